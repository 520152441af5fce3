"""What pages and exports show: rows and figures made from the store, findings and captures.

In: a host and a time range. Out: dataclasses for templates, Plotly figure dicts for charts.
"""

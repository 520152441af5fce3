"""One chart a module: lines of readings enter, a Plotly figure dict leaves. No database, no clock.

Colours are names of CSS custom properties (`var(--series-1)`); the page fills them in, light or dark.
"""

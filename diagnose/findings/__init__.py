"""Verdicts become findings that people act on.

In: `correlate.engine.Evaluation` of one host's last window. Out: `models.Finding` rows with a lifecycle (`record`),
a rank over all hosts (`rank`), the API's form of them (`describe`), recommendations as text to type (`advice`),
what people did about them (`actions`), and whether it helped (`verify`). `query` is how pages and the API ask.
"""

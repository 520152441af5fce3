"""The public JSON API: a request with its query or body comes in, JSON that `openapi` describes goes out.

Each view is guarded by `endpoint` (who may), described by `described` (what it takes and answers), and asks `store`,
`captures` and `findings`.
"""

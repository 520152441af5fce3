"""The one place that decides who may do what.

In: a request, a bearer secret, a one-time link or a ticket. Out: an `Actor` with its role, or a `Problem`.
`endpoints` guards the JSON API, `pages` guards the pages, `audit` keeps who did what.
"""

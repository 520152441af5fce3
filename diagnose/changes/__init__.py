"""What changed on hosts and in services, and what it has to do with findings.

In: facts that took another value (`models.FactChange`). `classify` says which of them are changes that matter,
`detect` keeps them, `link` ties each to the findings near which it lies, `follow` does both as data comes.
Out: `query`, how pages, the API and the proof of an effect ask, and `describe`, the API's form.
"""

"""What may be wrong, one defect a file; the path is the rule's public id, its docstring the user's documentation.

In: signals, by the types of `check`'s parameters; one that may be None is useful but not needed. Out: a list of
`rule.Verdict`, empty on a healthy host, or `rule.Unknown` where the one to judge was not seen. `EXPLAINS` lists the
rules whose findings are symptoms of this one. Rules never import each other.
"""

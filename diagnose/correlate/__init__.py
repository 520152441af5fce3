"""Reasons over one host and one window.

In: series, facts and stacks of the store, read by `load` and `history` alone. Out: `engine.Evaluation`, the judgements
that hold and what could not be checked. The code reads `samples` -> `signals` -> `rules` -> `confidence` -> `engine`;
all but those two are pure: no Django, no models, no clock, and no files (the engine brings the confidence weights in).
`layers` says of a frame which part of a service it is, from a reviewed file of patterns.
"""

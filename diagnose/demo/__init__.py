"""A small shop with real faults, so that a newcomer sees findings appear.

`shop.py` and `load.py` are programs of their own and import nothing of Diagnose; `faults` says how each fault is
made, `watch` asks the public API what Diagnose found.
"""

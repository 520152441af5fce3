"""Repeatable benchmarks: one module an area, its figures in results/<area>.json, all of them in README.md.

A module measures when it is run (`make bench-<area>`); those with an underscore are what they share.
"""

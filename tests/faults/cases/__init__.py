"""The cases, one file a family: each module has its `CASES`."""

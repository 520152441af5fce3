"""The fault corpus: real faults and their lookalikes, each run against the whole product.

In: `cases`, one file a family, which say what is broken, how, and which rule is right about it. `stage` gives a case a
network namespace of its own and takes everything away again, `gateway` lets the collector inside reach the server
outside, `run` plays a case from its onset to the finding. Out: `results` (a line of JSON a run), `bundle` (everything
that was read, to be judged again without the fault) and `score`.
"""

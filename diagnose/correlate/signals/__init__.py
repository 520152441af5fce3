"""What samples mean, one signal a file.

In: `samples.Samples`. Out: frozen dataclasses with units in their names. `READS` names the metrics a signal needs,
`HISTOGRAMS` the histograms, `FACTS` the facts, `PROFILES` the profile types. `derive(samples)` answers None when they
were not there: absence is never read as zero.
"""

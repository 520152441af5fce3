"""Probes of the text files in /proc. In: the root of /proc. Out: gauges, counters' increases and facts."""

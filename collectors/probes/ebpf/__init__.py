"""Kernel-side counts and histograms by eBPF. A probe is three files of one name: `.py`, `.bpf.c`, and the `.pack` built
from that by `make packs`. `packed` is what the probes do alike; `kernel.h`, `cells.h` and `endpoint.h` are what the
sources share.

Each probe loads its own pack, so that one that a kernel refuses takes nothing along.
"""

"""eBPF programs without a compiler, libbpf or bpftool on the host: only the system calls bpf(2) and perf_event_open(2).

    packer      at build time: C source → object → loader program and its data → a committed `.pack` file
    pack        what such a file holds
    support     why this host cannot run any of them, in words
    load        runs the pack's loader program, which creates maps and programs inside the kernel
    attach      hangs programs on their tracepoints; `tracefs` has those that are known by number only
    source      one pack at work; `duty` lets a dear one rest
    maps        reads maps in batches
    cells       counts and histograms by group: drained exactly, bounded, with what was lost
    syscalls    the system calls themselves

What enters: pack files. What leaves: rows of counts, and descriptors; when the process ends, however it ends, the
kernel closes them and nothing stays attached.
"""

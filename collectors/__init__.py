"""The host agent of Diagnose: reads what the kernel and the runtimes tell, and sends it; knows no server code.

    config      what the owner of the host allows: file, environment, flags; `consent` keeps captures to it
    schedule    which probe is due when; failing probes wait longer
    runner      runs one probe, times it, survives its errors and its hangs
    kernel      how the kernel is read: /proc, control groups, netlink, sock_diag
    processes   who runs here: the table of processes, their services, workloads and runtimes
    probes      one reader of one area of the host each; `probe` is their protocol
    ebpf        programs in the kernel: loading, attaching, reading their maps
    capture     stacks of processes: continuous, and on demand
    delivery    gathering, the spool on disk, shipping; the server's commands and the replies to them
    budget      what the agent itself costs; slows it down when that is too much
    agent       the loop over all of it; `state` shows it to `diagnose-collector status`
    ctl         `diagnosectl`, which needs no agent: asks a server what it knows

What enters: /proc, /sys, netlink, other processes' stacks, and commands of the server. What leaves: batches of
`wire` samples, and the progress of commands.
"""

__version__ = "0.1.0"

"""The host agent of Diagnose: reads what the kernel and the runtimes tell, and sends it; knows no server code.

    config      what the owner of the host allows: file, environment, flags
    consent     keeps captures to what the owner allows; `targets` are the processes that one means
    schedule    which probe is due when; failing probes wait longer
    runner      runs one probe, times it, survives its errors and its hangs
    probes      one reader of one area of the host each; `probe` is their protocol
    capture     stacks of processes: continuous, and on demand
    gather      samples of an interval become encoded series; `outbox` moves them into the spool
    spool       encoded batches wait on disk until the server has committed them
    ship        sends batches over `client`; deletes what is committed
    commands    asks the server for captures to make (`asking` waits); `replies` says how they go, and sends their files
    budget      what the agent itself costs; slows it down when that is too much
    agent       the loop over all of it; `state` shows it to `diagnose-collector status`

What enters: /proc, /sys, netlink, other processes' stacks, and commands of the server. What leaves: batches of
`wire` samples, and the progress of commands.
"""

__version__ = "0.1.0"

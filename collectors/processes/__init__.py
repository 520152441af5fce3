"""Who runs on this host: the table of processes, what service and workload each belongs to, and what its runtime is."""

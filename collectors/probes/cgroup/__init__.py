"""Probes of control groups, v1, v2 and hybrid. In: /sys/fs/cgroup. Out: what each service uses, may use, is denied."""

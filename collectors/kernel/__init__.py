"""How the kernel is read: /proc and control groups, netlink, sock_diag, devices and namespaces; for all probes."""

"""Probes of sockets. In: netlink dumps of our own and other network namespaces. Out: queues and connections."""

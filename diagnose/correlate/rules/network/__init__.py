"""Defects of the network stack and its queues."""

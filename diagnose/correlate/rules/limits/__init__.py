"""Defects of limits of the kernel and of processes."""

"""Probes that only one language runtime needs. In: files and ports of its processes. Out: samples of that runtime."""

"""Probes of applications that tell of themselves. In: their own endpoints, as configured. Out: their series."""

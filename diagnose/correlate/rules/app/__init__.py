"""Defects of a service's own behaviour."""

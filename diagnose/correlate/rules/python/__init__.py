"""Defects of the Python interpreter."""

"""Disks that are too slow for what is asked of them, or full."""

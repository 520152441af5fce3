"""What Go's own runtime does to a service."""

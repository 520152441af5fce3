"""Memory that runs out, and what the kernel does about it."""

"""Who lacks CPU time, and why."""

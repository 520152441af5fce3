"""A machine of its own with a real systemd, to install the collector on: namespaces over a copy-on-write root."""

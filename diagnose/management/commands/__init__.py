"""One file a command; `manage.py help` lists them."""

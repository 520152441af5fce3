"""What is run from the command line: `commands/` has one file a command, the rest is what `manage.py up` is made of."""

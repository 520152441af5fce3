"""What other hosts install the collector from: this server, so that they need no internet.

In: the collector's tree, and once the package registry for what it depends on. Out: a shelf of wheels and of collectors
that are one file, with their hashes, in DATA_DIR/collector-wheels; `diagnose.web.install` serves it.
"""

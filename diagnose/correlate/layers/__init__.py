"""Which layer of a service its time belongs to: the kernel's network, TLS, HTTP, middleware, the ORM, its own code.

In: frames, as profiles have them, of Python, Go and native programs. Out: a layer's id. `patterns.toml` is the reviewed
data, `table` reads it, `frames` says what one frame is and what a stack comes to, `chain` tells middleware apart.
"""

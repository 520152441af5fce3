"""Profiles of other programs' making, read with bounds: in go bytes that may be anything, out goes a `Profile`.

    protobuf    the wire format of protocol buffers, as far as it is needed, without a runtime library
    inflate     gzip, as large as was agreed and no larger
    profile     what every format becomes
    pprof       Google's pprof, as Go and many others write it
    stacks      a profile, or what it rose by since the one before, as `wire.Stacks`

The collector reads what Go programs serve; the server reads with the same code what people send it.
"""

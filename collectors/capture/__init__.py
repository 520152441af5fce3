"""Stacks of running processes, taken from outside.

Enters: a `wire.Command` of a person, which `ondemand` runs by its kind (`kinds`, one a file), or nothing at all:
`continuous` runs the samplers (`samplers`, one a file) within the budget of the host's owner.
Leaves: `wire.Stacks`, series and files, given to `emit` functions; progress in plain words to a `report` function.

Python is read by py-spy (`pyspy` runs it, `folded` reads it, `stacks` packs it), which pauses nobody but for native
frames. On demand: `pythons` finds whom a command means, `record` and `dump` look. All the time: `roster` says who is
next by costs (`plan`), pauses (`pace`) and turns (`turns`), a `lane` takes one process through a round, `confine` holds
all of it in a control group, and `gilwaits` sees who waits for the interpreter lock.
No file is written and no sampler outlives the collector.
"""

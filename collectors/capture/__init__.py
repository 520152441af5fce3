"""Stacks of running processes, taken without stopping them.

Enters: a process id, what to look for (`cpu` threads that run, `gil` the thread that holds the interpreter lock,
`wall` all threads), for how long and how often; either chosen by `continuous` under a CPU budget, or asked for by
a person through a `wire.Command` that `ondemand` runs. `kinds` has one file for each thing that may be asked for,
`samplers` one for each that is sampled all the time.
Leaves: `wire.Stacks` and the `python_*` series, given to an `emit` function; progress in plain words to a `report`
function. No file is written and no sampler outlives the collector.
"""

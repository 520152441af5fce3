"""Stacks of any process and of the kernel, without a sampler of its own on the host.

    stacks.h       what the programs share: stacks kept once in the kernel, counted by process, thread name and stack
    oncpu          who is on a CPU at each tick of a clock (`oncpu.bpf.c`)
    offcpu         how long threads were blocked, and where (`offcpu.bpf.c`)
    wanted         lets through samples of some processes only (`wanted.bpf.c`)
    counted        loads one of the first two and drains it
    ring           samples with registers and a copy of the stack, through memory that the kernel shares
    cfi, unwind    `.eh_frame` tables, and walking such a copy by them: for code without frame pointers
    elf, symboltable, debugfiles, kallsyms, perfmap, demangling   where names come from
    mappings       what lies where in a process
    symbols        an address of a process or of the kernel becomes a frame
    ended          whether a stack goes down to where its thread began
    profile        stacks become `wire.Stacks`
    continuous     all of the host, all the time, within a budget
    ondemand       what a person asks for

What enters: clock ticks and context switches. What leaves: `wire.Stacks` of types `cpu` and `offcpu`.
"""

"""Stacks of any process and of the kernel, without a sampler of its own on the host.

    stacks.h       what the programs share: stacks kept once in the kernel, counted by process, thread name and stack
    oncpu.bpf.c    who is on a CPU at each tick of a clock
    offcpu.bpf.c   how long threads were blocked, and where
    wanted.bpf.c   lets through samples of some processes only
    counted        loads one of the first two and drains it
    ring, sampled  samples with registers and a copy of the stack, through memory that the kernel shares
    cfi, cfirows, dwarf, unwind   `.eh_frame` tables, and walking such a copy by them: for code without frame pointers
    symboltable, debugfiles, kallsyms, perfmap, demangling   where names come from
    mappings       what lies where in a process
    symbols        an address of a process or of the kernel becomes a frame
    ended          whether a stack goes down to where its thread began
    stacks         addresses become frames, root first
    profiles       stacks of one service or process become `wire.Stacks`
    pace           how often to look, within a budget

What enters: clock ticks and context switches. What leaves: `wire.Stacks` of types `cpu` and `offcpu`. Who uses it:
`samplers/native`, all of the host all the time; `kinds/native_cpu` and `kinds/offcpu`, what a person asks for.
"""

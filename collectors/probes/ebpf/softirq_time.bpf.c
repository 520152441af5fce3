// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
// How long handlers of software interrupts run, by vector; hardware interrupts in between count with them.
#include "kernel.h"

struct group {
	u32 vector;
};

#include "cells.h"
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Handlers do not interrupt one another on a CPU. */
struct running {
	u64 since_ns; /* 0 while none runs */
	u32 round;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct running);
} handlers SEC(".maps");

static __always_inline struct running *here(void)
{
	u32 first = 0;

	return bpf_map_lookup_elem(&handlers, &first);
}

SEC("tp_btf/softirq_entry")
int BPF_PROG(entered, u32 vector)
{
	struct running *running = here();

	if (!running)
		return 0;
	running->round = control.round;
	running->since_ns = bpf_ktime_get_ns();
	return 0;
}

SEC("tp_btf/softirq_exit")
int BPF_PROG(left, u32 vector)
{
	struct running *running = here();
	struct key key = {};
	u64 ns;

	if (!running || !running->since_ns || running->round != control.round)
		return 0;
	ns = bpf_ktime_get_ns() - running->since_ns;
	running->since_ns = 0;
	key.bucket = bucket_of(ns, 4);
	key.group.vector = vector;
	add(&key, ns);
	return 0;
}

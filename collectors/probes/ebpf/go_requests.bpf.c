// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
// Requests of Go's HTTP servers, and times in which Go's runtime stops all goroutines, by breakpoints at the entries of
// functions. Never at their return: Go moves its stacks, and a return probe would leave its mark on the old one.
#include "kernel.h"

struct group {
	u32 tgid;
};

#include "cells.h"
#include <bpf/bpf_core_read.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* HIT counts breakpoints: a request of HTTP/2 begins at one and never comes to the other. */
enum { REQUEST, STOPPED, HIT };

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct pt_regs___go_x86 {
	unsigned long r14;
};
struct pt_regs___go_arm {
	u64 regs[31];
};
#pragma clang attribute pop

struct began {
	u64 since_ns;
	u32 round;
};

struct goroutine {
	u64 address;
	u64 tgid;
};

/* A connection that is hijacked or broken, and one of HTTP/2, never ends its request here: the oldest make room. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct goroutine);
	__type(value, struct began);
} requests SEC(".maps");

/* A process has one that stops its world at a time. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, u32);
	__type(value, struct began);
} stopped SEC(".maps");

static __always_inline u32 tgid(void)
{
	return bpf_get_current_pid_tgid() >> 32;
}

/* The register in which Go keeps the running goroutine (its ABIInternal, since Go 1.17 on amd64, 1.18 on arm64). */
static __always_inline struct goroutine current(void *registers)
{
	struct goroutine found = { .tgid = tgid() };

	if (bpf_core_field_exists(((struct pt_regs___go_x86 *)registers)->r14))
		found.address = BPF_CORE_READ((struct pt_regs___go_x86 *)registers, r14);
	else
		found.address = BPF_CORE_READ((struct pt_regs___go_arm *)registers, regs[28]);
	return found;
}

static __always_inline void count_hit(void)
{
	struct key key = { .kind = HIT };

	key.group.tgid = tgid();
	add(&key, 0);
}

static __always_inline void tell(u8 kind, const struct began *began)
{
	struct key key = { .kind = kind };
	u64 ns = bpf_ktime_get_ns() - began->since_ns;

	if (began->round != control.round)
		return;
	key.bucket = bucket_of(ns, kind == REQUEST ? 20 : 4);
	key.group.tgid = tgid();
	add(&key, ns);
}

SEC("uprobe")
int request_begins(struct pt_regs *context)
{
	struct began began = { .since_ns = bpf_ktime_get_ns(), .round = control.round };
	struct goroutine goroutine = current(context);

	count_hit();
	bpf_map_update_elem(&requests, &goroutine, &began, BPF_ANY);
	return 0;
}

SEC("uprobe")
int request_ends(struct pt_regs *context)
{
	struct goroutine goroutine = current(context);
	struct began *began = bpf_map_lookup_elem(&requests, &goroutine);

	count_hit();
	if (!began)
		return 0;
	tell(REQUEST, began);
	bpf_map_delete_elem(&requests, &goroutine);
	return 0;
}

SEC("uprobe")
int world_stops(struct pt_regs *context)
{
	struct began began = { .since_ns = bpf_ktime_get_ns(), .round = control.round };
	u32 process = tgid();

	count_hit();
	bpf_map_update_elem(&stopped, &process, &began, BPF_ANY);
	return 0;
}

SEC("uprobe")
int world_starts(struct pt_regs *context)
{
	u32 process = tgid();
	struct began *began = bpf_map_lookup_elem(&stopped, &process);

	count_hit();
	if (!began)
		return 0;
	tell(STOPPED, began);
	bpf_map_delete_elem(&stopped, &process);
	return 0;
}

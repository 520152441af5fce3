/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
 * Stacks, each kept once and counted by process, thread name and both of its halves. A stack is known by a hash of its
 * addresses, unlike in maps of type STACK_TRACE, where two whose hashes meet in one bucket cannot both be kept. The
 * lowest bit of the hash is the phase (cells.h), so that stacks are read and forgotten with the cells that name them. */
#pragma once
#include "../../probes/ebpf/kernel.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#define MOST_FRAMES 127 /* kernel.perf_event_max_stack */
#define MOST_STACKS 8192
#define MOST_CELLS 8192
#define MOST_WANTED 4096
#define BPF_F_USER_STACK (1ULL << 8)

struct group {
	u32 tgid;
	u64 user;
	u64 kernel;
	char name[16];
} __attribute__((packed));

#include "../../probes/ebpf/cells.h"

struct stack {
	u64 frames[MOST_FRAMES];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MOST_STACKS);
	__type(key, u64);
	__type(value, struct stack);
} stacks SEC(".maps");

/* A program's own stack has 512 bytes only. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct stack);
} scratch SEC(".maps");

/* The hash under which the present stack is kept; 0 when there is none. */
static __always_inline u64 kept(void *context, u64 flags, u32 phase)
{
	u64 hash = 0xcbf29ce484222325;
	struct stack *stack;
	u32 first = 0;
	int at;

	stack = bpf_map_lookup_elem(&scratch, &first);
	if (!stack || bpf_get_stack(context, stack, sizeof(*stack), flags) <= 0)
		return 0;
	for (at = 0; at < MOST_FRAMES && stack->frames[at]; at++) {
		hash = (hash ^ stack->frames[at]) * 0x9e3779b97f4a7c15;
		hash ^= hash >> 29;
	}
	hash = (hash & ~1ULL) | phase;
	if (!bpf_map_lookup_elem(&stacks, &hash) && bpf_map_update_elem(&stacks, &hash, stack, BPF_NOEXIST) == -7 /* E2BIG */)
		return 0;
	return hash;
}

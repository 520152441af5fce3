/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
 * Counts and histograms by group, read by collectors/ebpf/cells.py. A program defines `struct group` first.
 *
 * A cell is one bucket of one group, so that only buckets in use take room. Cells are per CPU: no shared cache line. The reader turns the phase over and waits until no program is left that saw the old value; then
 * the cells of the old phase are at rest, and reading and deleting them loses nothing. */
#pragma once
#include <bpf/bpf_helpers.h>

#ifndef MOST_CELLS
#define MOST_CELLS 4096
#endif
#define OCTAVES 28 /* as in collectors/histograms.py */

struct key {
	u16 bucket;
	u8 kind;
	u8 phase;
	struct group group;
};

struct cell {
	u64 count;
	u64 sum_ns;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, MOST_CELLS);
	__type(key, struct key);
	__type(value, struct cell);
} cells SEC(".maps");

/* Events that found no room. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u64);
} lost SEC(".maps");

/* Written by the reader. `round` tells what was remembered before the programs rested from what came after. */
struct {
	u32 phase;
	u32 round;
} control;

static __always_inline u32 floor_log2(u64 value)
{
	u32 found = 0;

	for (u32 step = 32; step; step /= 2) {
		if (value >> step) {
			value >>= step;
			found += step;
		}
	}
	return found;
}

static __always_inline u16 bucket_of(u64 ns, u32 steps)
{
	u32 octave;

	if (ns < 1000)
		return 0;
	octave = floor_log2(ns / 1000);
	if (octave >= OCTAVES)
		return OCTAVES * steps - 1;
	return octave * steps + (u32)(ns * steps / 1000 >> octave) - steps;
}

static __always_inline void count_lost(void)
{
	u32 first = 0;
	u64 *counted = bpf_map_lookup_elem(&lost, &first);

	if (counted)
		__sync_fetch_and_add(counted, 1);
}

/* Where events are many and alike, one in so many is counted, for as many; which one is drawn by lot. */
#define ONE_IN 8

static __always_inline bool is_drawn(void)
{
	return bpf_get_prandom_u32() % ONE_IN == 0;
}

static __always_inline void add_times(struct key *key, u64 ns, u64 times)
{
	struct cell *cell, empty = {};

	key->phase = control.phase;
	cell = bpf_map_lookup_elem(&cells, key);
	if (!cell) {
		bpf_map_update_elem(&cells, key, &empty, BPF_NOEXIST);
		cell = bpf_map_lookup_elem(&cells, key);
	}
	if (!cell) {
		count_lost();
		return;
	}
	/* A program may be interrupted by itself on the same CPU, in a softirq. Plain additions lost one of some ten
	 * thousand connections. */
	__sync_fetch_and_add(&cell->count, times);
	__sync_fetch_and_add(&cell->sum_ns, ns * times);
}

static __always_inline void add(struct key *key, u64 ns)
{
	add_times(key, ns, 1);
}

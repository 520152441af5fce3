// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
// How long a thread that could run waited for a CPU, taken when it gets one. The scheduler notes when it queued a thread
// (sched_info, on the run queue's clock), so that no program has to follow wakeups.
#include "kernel.h"
#include <bpf/bpf_core_read.h>

struct group {
	u32 tgid;
};

#define MOST_CELLS 8192
#include "cells.h"
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

enum { WAITED, THROTTLED };
#define SHORT_NS 1000000 /* nearly all waits of a host that has CPUs to spare; one of eight is counted, for eight */

struct stop {
	u64 stopped; /* how long the group's clock on this CPU has stood still, as last seen */
	u64 until_ns; /* when that was last seen to have grown: the end of a throttling */
};

/* By a task group's queue on one CPU; only of groups that were throttled before. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 2048);
	__type(key, u64);
	__type(value, struct stop);
} stops SEC(".maps");

static __always_inline u64 stopped_of(struct cfs_rq *queue)
{
	if (bpf_core_field_exists(queue->throttled_clock_pelt_time))
		return queue->throttled_clock_pelt_time;
	/* its name before Linux 5.19 */
	if (bpf_core_field_exists(((struct cfs_rq___before_5_19 *)queue)->throttled_clock_task_time))
		return ((struct cfs_rq___before_5_19 *)queue)->throttled_clock_task_time;
	return 0;
}

/* A wait that began before the last throttling of its group ended was, at least in part, for the quota. */
static __always_inline bool was_throttled(struct cfs_rq *queue, u64 queued_ns, u64 now_ns)
{
	u64 key = (u64)queue, stopped = stopped_of(queue);
	struct stop *known, first = {};

	if (!stopped)
		return false;
	known = bpf_map_lookup_elem(&stops, &key);
	if (!known) {
		first.stopped = stopped;
		bpf_map_update_elem(&stops, &key, &first, BPF_ANY);
		return false;
	}
	if (known->stopped != stopped) {
		known->stopped = stopped;
		known->until_ns = now_ns;
	}
	return queued_ns < known->until_ns;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(switched, bool preempted, struct task_struct *previous, struct task_struct *next)
{
	struct cfs_rq *queue = next->se.cfs_rq;
	u64 queued_ns = next->sched_info.last_queued, now_ns, ns, times = 1;
	struct key key = {};

	if (!queued_ns || !next->pid)
		return 0;
	now_ns = queue->rq->clock;
	if (now_ns < queued_ns)
		return 0;
	ns = now_ns - queued_ns;
	key.kind = was_throttled(queue, queued_ns, now_ns) ? THROTTLED : WAITED;
	if (key.kind == WAITED && ns < SHORT_NS) {
		if (!is_drawn())
			return 0;
		times = ONE_IN;
	}
	key.bucket = bucket_of(ns, 4);
	key.group.tgid = next->flags & PF_KTHREAD ? 0 : next->tgid;
	add_times(&key, ns, times);
	return 0;
}

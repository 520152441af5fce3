/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
 * How long threads of some processes were off the CPU because they waited for something, by where they began to wait.
 * A thread that was pushed aside while it could run is not counted: that is the run queue's wait. */
#include "stacks.h"

#define TASK_DEAD 0x80 /* include/linux/sched.h: it will never come back */

struct task_struct___switched {
	s32 pid, tgid;
	u32 __state;
	char comm[16];
} __attribute__((preserve_access_index));

struct left {
	u64 at_ns;
	struct group group;
};

/* By thread, those that wait now. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, u32);
	__type(value, struct left);
} waiting SEC(".maps");

/* Processes that are looked at. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MOST_WANTED);
	__type(key, u32);
	__type(value, u8);
} wanted SEC(".maps");

/* Waits that are shorter than this many nanoseconds do not count. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u64);
} shortest SEC(".maps");

static __always_inline bool is_wanted(u32 tgid)
{
	return bpf_map_lookup_elem(&wanted, &tgid);
}

static __always_inline void leave(void *context, struct task_struct___switched *task, u64 now_ns)
{
	struct left left = {};
	u32 thread = task->pid;

	left.at_ns = now_ns;
	left.group.tgid = task->tgid;
	/* A wait may outlast many drains, so that its stack must stay: these have no phase. */
	left.group.user = kept(context, BPF_F_USER_STACK, 0);
	left.group.kernel = kept(context, 0, 0);
	bpf_probe_read_kernel(left.group.name, sizeof(left.group.name), task->comm);
	bpf_map_update_elem(&waiting, &thread, &left, BPF_ANY);
}

static __always_inline void come_back(u32 thread, u64 now_ns)
{
	struct left *left = bpf_map_lookup_elem(&waiting, &thread);
	u64 *least_ns, waited_ns;
	struct key key = {};
	u32 first = 0;

	least_ns = bpf_map_lookup_elem(&shortest, &first);
	if (!left || !least_ns)
		return;
	waited_ns = now_ns - left->at_ns;
	if (waited_ns >= *least_ns) {
		key.group = left->group;
		add(&key, waited_ns);
	}
	bpf_map_delete_elem(&waiting, &thread);
}

SEC("tp_btf/sched_switch")
int BPF_PROG(switched, bool preempted, struct task_struct *before, struct task_struct *after)
{
	struct task_struct___switched *previous = (void *)before, *next = (void *)after;
	u64 now_ns = bpf_ktime_get_ns();

	if (previous->__state && !(previous->__state & TASK_DEAD) && is_wanted(previous->tgid))
		leave(ctx, previous, now_ns);
	if (is_wanted(next->tgid))
		come_back(next->pid, now_ns);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

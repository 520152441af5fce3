/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
 * Who is on a CPU when its clock ticks, and where. */
#include "stacks.h"

SEC("perf_event")
int ticked(void *context)
{
	u32 phase = control.phase & 1;
	struct key key = {};

	key.group.tgid = bpf_get_current_pid_tgid() >> 32;
	if (!key.group.tgid)
		return 0;
	bpf_get_current_comm(key.group.name, sizeof(key.group.name));
	key.group.user = kept(context, BPF_F_USER_STACK, phase);
	key.group.kernel = kept(context, 0, phase);
	add(&key, 0);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

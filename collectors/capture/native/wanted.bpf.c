/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
 * Lets the samples of a perf event through when they are of a process that is looked at: 0 drops one. */
#include "../../probes/ebpf/kernel.h"
#include <bpf/bpf_helpers.h>

#define MOST_WANTED 4096

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MOST_WANTED);
	__type(key, u32);
	__type(value, u8);
} wanted SEC(".maps");

SEC("perf_event")
int ticked(void *context)
{
	u32 tgid = bpf_get_current_pid_tgid() >> 32;

	return bpf_map_lookup_elem(&wanted, &tgid) ? 1 : 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
// From a request's beginning (so with its time in the I/O scheduler) until the device has done it, by disk.
#include "kernel.h"
#include <bpf/bpf_core_read.h>

struct group {
	u16 major, minor;
	u32 operation;
};

#include "cells.h"
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

enum operation { READ, WRITE, FLUSH, DISCARD, OTHER }; /* REQ_OP_*, include/linux/blk_types.h */
#define OPERATION_MASK 0xff

SEC("tp_btf/block_rq_complete")
int BPF_PROG(completed, struct request *request, u32 error, u32 bytes)
{
	struct key key = {};
	struct gendisk *disk = request->q->disk;
	u64 began_ns = request->start_time_ns, now_ns = bpf_ktime_get_ns();
	u32 operation = request->cmd_flags & OPERATION_MASK;

	/* No start where statistics are switched off; one that completes in parts is taken at its last. */
	if (!disk || !began_ns || now_ns < began_ns || bytes < request->__data_len)
		return 0;
	key.bucket = bucket_of(now_ns - began_ns, 20);
	key.group.major = disk->major;
	key.group.minor = disk->first_minor;
	key.group.operation = operation < OTHER ? operation : OTHER;
	add(&key, now_ns - began_ns);
	return 0;
}

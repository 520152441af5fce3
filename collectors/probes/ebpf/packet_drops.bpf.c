// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
// Packets that the kernel dropped, by its own reason. The numbers of reasons shift between kernels; Python knows them.
#include "kernel.h"
#include <bpf/bpf_core_read.h>

struct group {
	u32 reason;
};

#include "cells.h"
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

SEC("tp_btf/kfree_skb")
int BPF_PROG(dropped, struct sk_buff *packet, void *where, u32 reason)
{
	struct key key = { .group.reason = reason };

	add(&key, 0);
	return 0;
}

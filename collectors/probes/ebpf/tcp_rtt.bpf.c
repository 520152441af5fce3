// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
// Smoothed round-trip time, taken when an established connection receives a segment: of its first eight with each, then
// with one of eight, for eight. It moves by an eighth of the news at a time, so what lies between says little.
#include "kernel.h"
#include "endpoint.h"

struct group {
	struct endpoint end;
};

#define MOST_CELLS 8192
#include "cells.h"
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

SEC("tp_btf/tcp_probe")
int BPF_PROG(segment_received, struct sock *sk)
{
	struct key key = {};
	struct tcp_sock *tcp = bpf_skc_to_tcp_sock(sk);
	u64 rtt_ns, times = 1;

	if (!tcp || !tcp->srtt_us)
		return 0;
	if (tcp->segs_in > ONE_IN) {
		if (!is_drawn())
			return 0;
		times = ONE_IN;
	}
	rtt_ns = (u64)(tcp->srtt_us >> 3) * 1000; /* kept in eighths of a microsecond */
	key.bucket = bucket_of(rtt_ns, 20);
	if (went_out(tcp)) {
		put_remote(&key.group.end, sk);
	} else { /* which of the host's addresses it came to says nothing about the way */
		key.group.end.port = sk->__sk_common.skc_num;
		put_netns(&key.group.end, sk);
	}
	add_times(&key, rtt_ns, times);
	return 0;
}

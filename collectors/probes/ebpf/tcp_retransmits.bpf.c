// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
// Segments that were sent again, by the connection's end and the peer's address.
#include "kernel.h"
#include "endpoint.h"

struct group {
	struct endpoint end;
	__be32 peer[4];
};

#include "cells.h"
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

enum { DATA, SYN, SYN_ACK };

static __always_inline void put_peer(struct group *group, struct sock_common *common)
{
	if (common->skc_family == AF_INET6 && bpf_core_field_exists(common->skc_v6_daddr)) {
		for (int at = 0; at < 4; at++)
			group->peer[at] = common->skc_v6_daddr.in6_u.u6_addr32[at];
	} else {
		group->peer[2] = bpf_htonl(0xffff);
		group->peer[3] = common->skc_daddr;
	}
}

SEC("tp_btf/tcp_retransmit_skb")
int BPF_PROG(segment_sent_again, struct sock *sk)
{
	struct key key = {};
	struct tcp_sock *tcp = bpf_skc_to_tcp_sock(sk);

	if (!tcp)
		return 0;
	if (sk->__sk_common.skc_state == TCP_SYN_SENT)
		key.kind = SYN;
	if (went_out(tcp)) {
		put_remote(&key.group.end, sk);
	} else {
		put_local(&key.group.end, sk, sk->__sk_common.skc_num);
		put_peer(&key.group, &sk->__sk_common);
	}
	add(&key, 0);
	return 0;
}

SEC("tp_btf/tcp_retransmit_synack")
int BPF_PROG(synack_sent_again, struct sock *listener, struct request_sock *request)
{
	struct key key = { .kind = SYN_ACK };

	put_local(&key.group.end, listener, listener->__sk_common.skc_num);
	put_peer(&key.group, &request->__req_common);
	add(&key, 0);
	return 0;
}

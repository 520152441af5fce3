// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
// Where connections come from: handshakes that came to their end, by the network of the peer.
#include "kernel.h"
#include "endpoint.h"

struct group {
	struct endpoint end;
	__be32 prefix[4]; /* IPv4 as ::ffff:a.b.c.0 */
};

#define MOST_CELLS 8192
#include "cells.h"
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* /24 of IPv4, /48 of IPv6: what one user or site has, as a rule. */
static __always_inline void put_prefix(struct group *group, struct sock *sk)
{
	struct endpoint peer = {};

	put_address(&peer, sk, true);
	group->prefix[0] = peer.address[0];
	if (!peer.address[0] && !peer.address[1] && peer.address[2] == bpf_htonl(0xffff)) {
		group->prefix[2] = peer.address[2];
		group->prefix[3] = peer.address[3] & bpf_htonl(0xffffff00);
	} else {
		group->prefix[1] = peer.address[1] & bpf_htonl(0xffff0000);
	}
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(state_changed, struct sock *sk, int old, int new)
{
	struct key key = {};

	if (old != TCP_SYN_RECV || new != TCP_ESTABLISHED || sk->sk_protocol != IPPROTO_TCP)
		return 0;
	put_local(&key.group.end, sk, sk->__sk_common.skc_num);
	put_prefix(&key.group, sk);
	add(&key, 0);
	return 0;
}

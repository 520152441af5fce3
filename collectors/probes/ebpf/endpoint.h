/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
 * The end of a TCP connection by which it is told: the local one of a connection that came in, the remote one of a
 * connection that went out. Python's side is collectors/probes/ebpf/endpoints.py. */
#pragma once
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>

enum { INCOMING, OUTGOING };

struct endpoint {
	__be32 address[4]; /* IPv4 as ::ffff:a.b.c.d */
	u32 netns;
	u16 port;
	u8 side;
	u8 unused;
};

/* connect() marks the port it chose with -1, and no listener ever has such a port (__inet_hash_connect). */
static __always_inline bool went_out(struct tcp_sock *tcp)
{
	struct inet_bind_bucket *bucket = tcp->inet_conn.icsk_bind_hash;

	return bucket && bucket->fastreuse < 0;
}

static __always_inline void put_address(struct endpoint *end, struct sock *sk, bool remote)
{
	struct sock_common *common = &sk->__sk_common;

	if (common->skc_family == AF_INET6 && bpf_core_field_exists(common->skc_v6_daddr)) {
		for (int at = 0; at < 4; at++)
			end->address[at] = remote ? common->skc_v6_daddr.in6_u.u6_addr32[at]
						  : common->skc_v6_rcv_saddr.in6_u.u6_addr32[at];
	} else {
		end->address[2] = bpf_htonl(0xffff);
		end->address[3] = remote ? common->skc_daddr : common->skc_rcv_saddr;
	}
}

static __always_inline void put_netns(struct endpoint *end, struct sock *sk)
{
	end->netns = sk->__sk_common.skc_net.net->ns.inum;
}

static __always_inline void put_remote(struct endpoint *end, struct sock *sk)
{
	end->side = OUTGOING;
	end->port = bpf_ntohs(sk->__sk_common.skc_dport);
	put_address(end, sk, true);
	put_netns(end, sk);
}

static __always_inline void put_local(struct endpoint *end, struct sock *sk, u16 port)
{
	end->side = INCOMING;
	end->port = port;
	put_address(end, sk, false);
	put_netns(end, sk);
}

// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
// Questions to name servers over connected UDP sockets, as the C library asks them, until an answer is read.
#include "kernel.h"
#include "endpoint.h"

struct group {
	struct endpoint end;
	u32 tgid;
};

#include "cells.h"
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define DNS_PORT 53
#define MSG_PEEK 2 /* include/linux/socket.h */

/* The addresses for IPv4 and IPv6 are asked for together: the second question goes out before the first answer. */
struct asked {
	u64 since_ns;
	u64 waiting;
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct asked);
} questions SEC(".maps");

static __always_inline bool is_to_name_server(struct sock *sk)
{
	return sk->sk_protocol == IPPROTO_UDP && sk->__sk_common.skc_dport == bpf_htons(DNS_PORT);
}

SEC("tp_btf/sock_send_length")
int BPF_PROG(sent, struct sock *sk, int length)
{
	struct asked *asked;

	if (length <= 0 || !is_to_name_server(sk))
		return 0;
	asked = bpf_sk_storage_get(&questions, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!asked) {
		count_lost();
		return 0;
	}
	if (!asked->waiting)
		asked->since_ns = bpf_ktime_get_ns();
	asked->waiting++;
	return 0;
}

SEC("tp_btf/sock_recv_length")
int BPF_PROG(received, struct sock *sk, int length, int flags)
{
	struct key key = {};
	struct asked *asked;
	u64 ns;

	if (length <= 0 || flags & MSG_PEEK || !is_to_name_server(sk))
		return 0;
	asked = bpf_sk_storage_get(&questions, sk, 0, 0);
	if (!asked || !asked->waiting)
		return 0;
	asked->waiting--;
	ns = bpf_ktime_get_ns() - asked->since_ns;
	key.bucket = bucket_of(ns, 20);
	put_remote(&key.group.end, sk);
	key.group.tgid = bpf_get_current_pid_tgid() >> 32;
	add(&key, ns);
	return 0;
}

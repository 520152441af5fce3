// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
// Connections as they open, fail and end. What has to be remembered of one is kept with its socket and goes with it.
#include "kernel.h"
#include "endpoint.h"

struct group {
	struct endpoint end;
	u32 error;
};

#define MOST_CELLS 8192
#include "cells.h"
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

enum { CONNECTED, FAILED, CAME_IN, ENDED };

struct connection {
	u64 since_ns;
	struct endpoint end;
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct connection);
} connections SEC(".maps");

static __always_inline void tell(struct connection *connection, u8 kind, u64 ns, u32 error)
{
	struct key key = { .kind = kind };

	key.bucket = kind == CONNECTED ? bucket_of(ns, 20) : kind == ENDED ? bucket_of(ns, 4) : 0;
	key.group.end = connection->end;
	key.group.error = error;
	add(&key, ns);
}

static __always_inline void begin(struct sock *sk, bool outgoing)
{
	struct connection *connection =
		bpf_sk_storage_get(&connections, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);

	if (!connection) {
		count_lost();
		return;
	}
	connection->since_ns = bpf_ktime_get_ns();
	if (outgoing) {
		put_remote(&connection->end, sk);
	} else {
		put_local(&connection->end, sk, sk->__sk_common.skc_num);
		tell(connection, CAME_IN, 0, 0);
	}
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(state_changed, struct sock *sk, int old, int new)
{
	struct connection *connection;
	u64 now_ns, ns;

	if (sk->sk_protocol != IPPROTO_TCP)
		return 0;
	if (new == TCP_SYN_SENT || (old == TCP_SYN_RECV && new == TCP_ESTABLISHED)) {
		begin(sk, new == TCP_SYN_SENT);
		return 0;
	}
	if (new != TCP_CLOSE && old != TCP_SYN_SENT)
		return 0;
	connection = bpf_sk_storage_get(&connections, sk, 0, 0);
	if (!connection)
		return 0;
	now_ns = bpf_ktime_get_ns();
	ns = now_ns - connection->since_ns;
	if (new != TCP_CLOSE) {
		tell(connection, CONNECTED, ns, 0);
		connection->since_ns = now_ns;
		return 0;
	}
	tell(connection, old == TCP_SYN_SENT ? FAILED : ENDED, ns, old == TCP_SYN_SENT ? sk->sk_err : 0);
	bpf_sk_storage_delete(&connections, sk);
	return 0;
}

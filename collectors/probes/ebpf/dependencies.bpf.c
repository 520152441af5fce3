// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
// Requests that go out: from the write that begins one until the first bytes of its answer are read.
#include "kernel.h"
#include "endpoint.h"

struct group {
	struct endpoint end;
	u32 tgid;
	u32 protocol;
	u32 route; /* of HTTP */
};

#define MOST_CELLS 8192
#include "cells.h"
#include "userdata.h"
#include "http.h"
#include "path.h"
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

enum protocol { UNRECOGNISED, HTTP, REDIS, POSTGRESQL, MYSQL };
#define START_BYTES 8

struct outgoing {
	u64 sent_ns; /* 0 while none waits for its answer */
	u32 protocol;
	u32 route;
	u32 round;
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct outgoing);
} requests SEC(".maps");

static __always_inline bool is_digit(u8 byte)
{
	return byte >= '0' && byte <= '9';
}

/* An array of bulk strings: *3\r\n$3… */
static __always_inline bool is_redis(u8 *start)
{
	return start[0] == '*' && is_digit(start[1]) && (start[2] == '\r' || is_digit(start[2]));
}

/* Query, Parse or Bind, and a length that fits what was written. */
static __always_inline bool is_postgresql(u8 *start, u32 length)
{
	u32 told = (u32)start[1] << 24 | start[2] << 16 | start[3] << 8 | start[4];

	return (start[0] == 'Q' || start[0] == 'P' || start[0] == 'B') && told >= 4 && told < length;
}

/* One packet with the first sequence number: init_db, query, ping, prepare or execute. */
static __always_inline bool is_mysql(u8 *start, u32 length)
{
	u32 told = start[0] | start[1] << 8 | start[2] << 16;
	u8 command = start[4];

	return start[3] == 0 && told + 4 == length &&
	       (command == 2 || command == 3 || command == 14 || command == 22 || command == 23);
}

static __always_inline enum protocol protocol_of(u8 *start, u32 length)
{
	if (method_of(*(u32 *)start) >= 0)
		return HTTP;
	if (is_redis(start))
		return REDIS;
	if (is_postgresql(start, length))
		return POSTGRESQL;
	return is_mysql(start, length) ? MYSQL : UNRECOGNISED;
}

SEC("tp_btf/sock_send_length")
int BPF_PROG(sent, struct sock *sk, int length)
{
	u8 start[START_BYTES] __attribute__((aligned(8)));
	enum protocol protocol;
	struct outgoing *request;
	struct userdata data;
	struct tcp_sock *tcp;

	if (length < 5 || sk->sk_protocol != IPPROTO_TCP)
		return 0;
	tcp = bpf_skc_to_tcp_sock(sk);
	if (!tcp || !went_out(tcp))
		return 0;
	request = bpf_sk_storage_get(&requests, sk, 0, 0);
	/* the rest of it, or another one behind */
	if (request && request->sent_ns && request->round == control.round)
		return 0;
	if (!find_userdata(&data, length) || !read_start(&data, start, length < START_BYTES ? 5 : START_BYTES))
		return 0;
	protocol = protocol_of(start, length);
	if (protocol == UNRECOGNISED)
		return 0;
	request = bpf_sk_storage_get(&requests, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!request) {
		count_lost();
		return 0;
	}
	request->protocol = protocol;
	request->route = protocol == HTTP ? route_at(&data, path_offset(method_of(*(u32 *)start))) : ROUTE_NOT_SEEN;
	request->round = control.round;
	request->sent_ns = bpf_ktime_get_ns();
	return 0;
}

SEC("tp_btf/sock_recv_length")
int BPF_PROG(received, struct sock *sk, int length, int flags)
{
	struct outgoing *request;
	struct key key = {};
	u64 ns;

	if (length <= 0 || flags & MSG_PEEK || sk->sk_protocol != IPPROTO_TCP)
		return 0;
	request = bpf_sk_storage_get(&requests, sk, 0, 0);
	if (!request || !request->sent_ns || request->round != control.round)
		return 0;
	ns = bpf_ktime_get_ns() - request->sent_ns;
	request->sent_ns = 0;
	key.bucket = bucket_of(ns, 20);
	put_remote(&key.group.end, sk);
	key.group.tgid = bpf_get_current_pid_tgid() >> 32;
	key.group.protocol = request->protocol;
	key.group.route = request->route;
	add(&key, ns);
	return 0;
}

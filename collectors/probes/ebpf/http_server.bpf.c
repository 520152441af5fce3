// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
// HTTP/1.x as a server's system calls show it: a read that begins with a method, and the write that begins the answer.
#include "kernel.h"
#include "endpoint.h"

struct group {
	struct endpoint end;
	u32 tgid;
	u32 route;
	u16 status;
	u8 method;
	u8 unused;
};

#define MOST_CELLS 16384
#include "cells.h"
#include "userdata.h"
#include "http.h"
#include "path.h"
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define MOST_WAITING 4 /* a power of two */
#define STATUS_BYTES 12 /* HTTP/1.1 200 */
#define SWITCHING_PROTOCOLS 101

/* Requests of a connection that wait for their answer, oldest first: with pipelining there are several. */
struct exchange {
	u64 read_ns[MOST_WAITING];
	u32 route[MOST_WAITING];
	u8 method[MOST_WAITING];
	u32 first, count;
	/* Answers to requests beyond those, and to those that came in one read with another, count from here. */
	u64 last_read_ns;
	u32 round;
	u8 last_method;
	u8 letter; /* all that was read of the last one so far; 0 when it was more */
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct exchange);
} exchanges SEC(".maps");

/* The method, or -1 when this is no beginning of a request. Of a read too short to tell, whether it may be one. */
static __always_inline s32 begins_request(struct userdata *data, u8 *letter)
{
	u32 start = 0;

	if (data->length >= sizeof(start))
		return read_start(data, &start, sizeof(start)) ? method_of(start) : -1;
	if (!read_start(data, letter, sizeof(*letter)))
		return -1;
	switch (*letter) {
	case 'G':
	case 'P':
	case 'H':
	case 'D':
	case 'O':
		return NOT_SEEN;
	}
	return -1;
}

/* While one request waits, what looks like another may be its rest: of one that came in pieces, or of one with a body,
 * after which nobody pipelines (RFC 9112, 9.3.2). */
static __always_inline bool continues(struct exchange *exchange, s32 method)
{
	u8 last = exchange->last_method;

	return exchange->count && (method == NOT_SEEN || (last != GET && last != HEAD && last != OPTIONS));
}

static __always_inline void forget(struct exchange *exchange)
{
	exchange->count = 0;
	exchange->last_read_ns = 0;
	exchange->round = control.round;
}

/* Go's server watches the connection while it answers, and so reads the first byte of the next request by itself. */
static __always_inline void complete(struct exchange *exchange, struct userdata *data)
{
	u32 at = (exchange->first + exchange->count - 1) & (MOST_WAITING - 1), rest = 0;
	s32 method;

	if (!exchange->letter || !exchange->count || !read_start(data, &rest, sizeof(rest)))
		return;
	method = method_of(rest << 8 | exchange->letter);
	exchange->letter = 0;
	if (method < 0)
		return;
	exchange->last_method = method;
	exchange->method[at] = method;
	exchange->route[at] = route_at(data, path_offset(method) - 1);
}

static __always_inline void remember(struct exchange *exchange, u8 method, struct userdata *data)
{
	u64 now_ns = bpf_ktime_get_ns();
	u32 at;

	exchange->last_read_ns = now_ns;
	exchange->last_method = method;
	exchange->letter = 0;
	if (exchange->count >= MOST_WAITING)
		return;
	at = (exchange->first + exchange->count) & (MOST_WAITING - 1);
	exchange->read_ns[at] = now_ns;
	exchange->method[at] = method;
	exchange->route[at] = method == NOT_SEEN ? ROUTE_NOT_SEEN : route_at(data, path_offset(method));
	exchange->count++;
}

SEC("tp_btf/sock_recv_length")
int BPF_PROG(received, struct sock *sk, int length, int flags)
{
	struct exchange *exchange;
	struct userdata data;
	struct tcp_sock *tcp;
	u8 letter = 0;
	s32 method;

	if (length <= 0 || flags & MSG_PEEK || sk->sk_protocol != IPPROTO_TCP)
		return 0;
	tcp = bpf_skc_to_tcp_sock(sk);
	if (!tcp || went_out(tcp))
		return 0;
	if (!find_userdata(&data, length))
		return 0;
	method = begins_request(&data, &letter);
	if (method < 0) {
		exchange = bpf_sk_storage_get(&exchanges, sk, 0, 0);
		if (exchange && exchange->round == control.round)
			complete(exchange, &data);
		return 0;
	}
	exchange = bpf_sk_storage_get(&exchanges, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!exchange) {
		count_lost();
		return 0;
	}
	if (exchange->round != control.round)
		forget(exchange);
	if (!continues(exchange, method)) {
		remember(exchange, method, &data);
		if (length == 1)
			exchange->letter = letter;
	}
	return 0;
}

/* Of the four bytes from the space on. */
static __always_inline u16 status_of(u32 word)
{
	return (word >> 8 & 0xf) * 100 + (word >> 16 & 0xf) * 10 + (word >> 24 & 0xf);
}

SEC("tp_btf/sock_send_length")
int BPF_PROG(sent, struct sock *sk, int length)
{
	u32 start[STATUS_BYTES / 4];
	struct exchange *exchange;
	struct userdata data;
	struct key key = {};
	u16 status;
	u64 ns;

	if (length < STATUS_BYTES || sk->sk_protocol != IPPROTO_TCP)
		return 0;
	exchange = bpf_sk_storage_get(&exchanges, sk, 0, 0);
	if (!exchange || exchange->round != control.round || !exchange->last_read_ns)
		return 0;
	if (!find_userdata(&data, length) || !read_start(&data, start, sizeof(start)))
		return 0;
	if (start[0] != WORD('H', 'T', 'T', 'P') || (start[1] & 0xffffff) != WORD('/', '1', '.', 0))
		return 0;
	status = status_of(start[2]);
	if (status < 200 && status != SWITCHING_PROTOCOLS) /* they announce another answer */
		return 0;
	ns = bpf_ktime_get_ns();
	if (exchange->count) {
		u32 at = exchange->first & (MOST_WAITING - 1);

		ns -= exchange->read_ns[at];
		key.group.method = exchange->method[at];
		key.group.route = exchange->route[at];
		exchange->first++;
		exchange->count--;
	} else {
		ns -= exchange->last_read_ns;
	}
	key.bucket = bucket_of(ns, 20);
	put_local(&key.group.end, sk, sk->__sk_common.skc_num);
	key.group.tgid = bpf_get_current_pid_tgid() >> 32;
	key.group.status = status;
	add(&key, ns);
	if (status == SWITCHING_PROTOCOLS) /* no HTTP any more */
		bpf_sk_storage_delete(&exchanges, sk);
	return 0;
}

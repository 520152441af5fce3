// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
// TLS handshakes as a server's system calls show them: the ClientHello that it reads, the ServerHello that it writes, and
// the first application data that it reads.
#include "kernel.h"
#include "endpoint.h"

struct group {
	struct endpoint end;
	u32 tgid;
	u8 version; /* the minor half: 3 is TLS 1.2 */
	u8 offer;
	u8 resumed;
	u8 alert;
};

#include "cells.h"
#include "tls.h"
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

enum { ANSWERED, COMPLETED, FAILED };
enum state { HEADER_READ, HELLO_READ, HELLO_ANSWERED };
#define MOST_RECORDS 8

struct handshake {
	u64 hello_ns;
	u64 skip; /* bytes of the client's current record that are still to come */
	struct client_hello hello;
	struct server_hello answer;
	u32 round;
	u8 state;
	u8 records; /* of application data, as the client's are called once they are encrypted */
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct handshake);
} handshakes SEC(".maps");

static __always_inline void tell(struct sock *sk, struct handshake *handshake, u8 kind, u64 ns, u8 alert)
{
	struct key key = { .kind = kind };

	key.bucket = bucket_of(ns, 20);
	put_local(&key.group.end, sk, sk->__sk_common.skc_num);
	key.group.tgid = bpf_get_current_pid_tgid() >> 32;
	key.group.version = handshake->answer.version;
	key.group.offer = handshake->hello.offer;
	key.group.resumed = handshake->answer.resumed;
	key.group.alert = alert;
	add(&key, ns);
}

static __always_inline bool is_first_read(struct tcp_sock *tcp, u32 length)
{
	return (u32)tcp->bytes_received - (tcp->rcv_nxt - tcp->copied_seq) == length;
}

static __always_inline void read_hello(struct handshake *handshake, struct userdata *data, u64 offset)
{
	struct userdata message = { .at = data->at + offset, .length = data->length - offset };

	parse_client_hello(&message, &handshake->hello);
	handshake->state = HELLO_READ;
}

/* What a connection's first bytes begin, if it is a handshake; many libraries read a record's header by itself. */
static __always_inline struct handshake *begin(struct sock *sk, struct userdata *data)
{
	u8 start[RECORD_HEADER + 1] = {};
	struct handshake *handshake;
	bool whole = data->length > RECORD_HEADER;

	if (!read_at(data, 0, start, whole ? RECORD_HEADER + 1 : RECORD_HEADER))
		return 0;
	if (start[0] != HANDSHAKE || start[1] != 3 || (whole && start[RECORD_HEADER] != CLIENT_HELLO))
		return 0;
	handshake = bpf_sk_storage_get(&handshakes, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!handshake) {
		count_lost();
		return 0;
	}
	handshake->round = control.round;
	handshake->hello_ns = bpf_ktime_get_ns();
	if (whole)
		read_hello(handshake, data, RECORD_HEADER);
	return handshake;
}

/* Counts the client's encrypted records; false when there are bytes that begin none. */
static __always_inline bool follow_records(struct handshake *handshake, struct userdata *data, u64 length)
{
	u64 offset = handshake->skip;
	u8 header[RECORD_HEADER] = {};

	for (u32 at = 0; at < MOST_RECORDS && offset < length; at++) {
		if (!read_at(data, offset, header, RECORD_HEADER) || header[1] != 3)
			return false;
		if (header[0] == APPLICATION_DATA && handshake->state == HELLO_ANSWERED)
			handshake->records++;
		offset += RECORD_HEADER + read_number(header + 3);
	}
	handshake->skip = offset - length;
	return offset >= length;
}

SEC("tp_btf/sock_recv_length")
int BPF_PROG(received, struct sock *sk, int length, int flags)
{
	struct handshake *handshake;
	struct userdata data;
	struct tcp_sock *tcp;

	if (length <= 0 || flags & MSG_PEEK || sk->sk_protocol != IPPROTO_TCP)
		return 0;
	handshake = bpf_sk_storage_get(&handshakes, sk, 0, 0);
	if (!handshake) {
		tcp = bpf_skc_to_tcp_sock(sk);
		if (!tcp || !is_first_read(tcp, length) || went_out(tcp) || !find_userdata(&data, length))
			return 0;
		handshake = begin(sk, &data);
		if (!handshake)
			return 0;
	} else if (handshake->round != control.round || !find_userdata(&data, length)) {
		bpf_sk_storage_delete(&handshakes, sk);
		return 0;
	} else if (handshake->state == HEADER_READ) {
		read_hello(handshake, &data, 0);
	}
	if (!follow_records(handshake, &data, length)) {
		bpf_sk_storage_delete(&handshakes, sk);
		return 0;
	}
	/* The first of them in TLS 1.3 is the end of the handshake itself. */
	if (handshake->records >= (handshake->answer.version == TLS_1_3 ? 2 : 1)) {
		tell(sk, handshake, COMPLETED, bpf_ktime_get_ns() - handshake->hello_ns, 0);
		bpf_sk_storage_delete(&handshakes, sk);
	}
	return 0;
}

SEC("tp_btf/sock_send_length")
int BPF_PROG(sent, struct sock *sk, int length)
{
	u8 start[RECORD_HEADER + 2] = {}; /* an alert's level and description, or a message's kind */
	struct handshake *handshake;
	struct userdata data;

	if (length < (int)sizeof(start) || sk->sk_protocol != IPPROTO_TCP)
		return 0;
	handshake = bpf_sk_storage_get(&handshakes, sk, 0, 0);
	if (!handshake || handshake->round != control.round)
		return 0;
	if (!find_userdata(&data, length) || !read_at(&data, 0, start, sizeof(start)))
		return 0;
	if (start[0] == ALERT && read_number(start + 3) == 2) { /* not encrypted */
		tell(sk, handshake, FAILED, 0, start[RECORD_HEADER + 1]);
		bpf_sk_storage_delete(&handshakes, sk);
		return 0;
	}
	if (handshake->state != HELLO_READ || start[0] != HANDSHAKE || start[RECORD_HEADER] != SERVER_HELLO)
		return 0;
	data.at += RECORD_HEADER;
	data.length -= RECORD_HEADER;
	if (!parse_server_hello(&data, &handshake->hello, &handshake->answer))
		return 0;
	handshake->state = HELLO_ANSWERED;
	tell(sk, handshake, ANSWERED, 0, 0);
	return 0;
}

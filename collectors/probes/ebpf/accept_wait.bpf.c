// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
// From the end of the handshake until accept() returned the connection: the time in the accept queue.
#include "kernel.h"
#include "endpoint.h"

struct group {
	struct endpoint end;
	u32 tgid;
	u32 listener; /* the inode of its socket */
};

#include "cells.h"
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct waiting {
	u64 since_ns;
	struct endpoint end;
};

/* By socket. A socket's address is used again only after a new handshake, which writes a new entry. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, u64);
	__type(value, struct waiting);
} queued SEC(".maps");

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(state_changed, struct sock *sk, int old, int new)
{
	struct waiting waiting = {};
	u64 key = (u64)sk;

	if (old != TCP_SYN_RECV || new != TCP_ESTABLISHED || sk->sk_protocol != IPPROTO_TCP)
		return 0;
	waiting.since_ns = bpf_ktime_get_ns();
	put_local(&waiting.end, sk, sk->__sk_common.skc_num);
	bpf_map_update_elem(&queued, &key, &waiting, BPF_ANY);
	return 0;
}

static __always_inline struct file *file_of(u32 fd)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct file **files = BPF_CORE_READ(task, files, fdt, fd), *file = 0;

	bpf_core_read(&file, sizeof(file), files + fd);
	return file;
}

static __always_inline struct sock *socket_of(u32 fd)
{
	struct socket *socket = BPF_CORE_READ(file_of(fd), private_data);

	return BPF_CORE_READ(socket, sk);
}

/* Its descriptor is the first argument of the call that returns. */
static __always_inline u32 listening_inode(void)
{
	void *registers = (void *)bpf_task_pt_regs(bpf_get_current_task_btf());
	u32 fd;

	if (bpf_core_field_exists(((struct pt_regs___x86 *)registers)->orig_ax))
		fd = BPF_CORE_READ((struct pt_regs___x86 *)registers, di);
	else
		fd = BPF_CORE_READ((struct pt_regs___arm *)registers, orig_x0);
	return BPF_CORE_READ(file_of(fd), f_inode, i_ino);
}

static __always_inline int accept_returned(long fd)
{
	struct waiting *waiting;
	struct key key = {};
	struct sock *socket;
	u64 sk, ns;

	if (fd < 0)
		return 0;
	socket = socket_of(fd);
	sk = (u64)socket;
	waiting = bpf_map_lookup_elem(&queued, &sk);
	if (!waiting) { /* forgotten for others, or older than this program */
		if (BPF_CORE_READ(socket, sk_protocol) == IPPROTO_TCP)
			count_lost();
		return 0;
	}
	ns = bpf_ktime_get_ns() - waiting->since_ns;
	key.bucket = bucket_of(ns, 4);
	key.group.end = waiting->end;
	key.group.tgid = bpf_get_current_pid_tgid() >> 32;
	key.group.listener = listening_inode();
	bpf_map_delete_elem(&queued, &sk);
	add(&key, ns);
	return 0;
}

SEC("tp/syscalls/sys_exit_accept4")
int accept4_returned(struct trace_event_raw_sys_exit *context)
{
	return accept_returned(context->ret);
}

SEC("tp/syscalls/sys_exit_accept")
int accept_returned_too(struct trace_event_raw_sys_exit *context)
{
	return accept_returned(context->ret);
}

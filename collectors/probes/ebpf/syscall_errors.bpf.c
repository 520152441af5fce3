// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
// System calls that failed because something ran out, by process.
#include "kernel.h"
#include <bpf/bpf_helpers.h>

struct group {
	u32 tgid;
	u16 call;
	u16 error;
};

#include "cells.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* include/uapi/asm-generic/errno.h; the same on x86-64 and aarch64 */
enum { EAGAIN = 11, ENOMEM = 12, ENFILE = 23, EMFILE = 24, EADDRINUSE = 98, EADDRNOTAVAIL = 99, ENOBUFS = 105 };
enum call { OPENAT, SOCKET, ACCEPT, ACCEPT4, CONNECT, BIND, CLONE, CLONE3, PIPE2, EPOLL_CREATE1, EVENTFD2 };

static __always_inline bool ran_out(enum call call, long error)
{
	switch (error) {
	case ENOMEM:
	case ENFILE:
	case EMFILE:
	case EADDRINUSE:
	case EADDRNOTAVAIL:
	case ENOBUFS:
		return true;
	case EAGAIN: /* of others it only says "not now" */
		return call == CLONE || call == CLONE3;
	}
	return false;
}

static __always_inline int returned(enum call call, long result)
{
	struct key key = {};

	if (result >= 0 || !ran_out(call, -result))
		return 0;
	key.group.tgid = bpf_get_current_pid_tgid() >> 32;
	key.group.call = call;
	key.group.error = -result;
	add(&key, 0);
	return 0;
}

#define ON_RETURN_OF(name, call)                                \
	SEC("tp/syscalls/sys_exit_" #name)                      \
	int name##_returned(struct trace_event_raw_sys_exit *c) \
	{                                                       \
		return returned(call, c->ret);                  \
	}

ON_RETURN_OF(openat, OPENAT)
ON_RETURN_OF(socket, SOCKET)
ON_RETURN_OF(accept, ACCEPT)
ON_RETURN_OF(accept4, ACCEPT4)
ON_RETURN_OF(connect, CONNECT)
ON_RETURN_OF(bind, BIND)
ON_RETURN_OF(clone, CLONE)
ON_RETURN_OF(clone3, CLONE3)
ON_RETURN_OF(pipe2, PIPE2)
ON_RETURN_OF(epoll_create1, EPOLL_CREATE1)
ON_RETURN_OF(eventfd2, EVENTFD2)

// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
// What event loops are woken for: events that one epoll_wait() returned, and accept() that found a connection or none.
#include "kernel.h"
#include <bpf/bpf_helpers.h>

struct group {
	u32 tgid;
};

#include "cells.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

enum { WOKEN, ACCEPTED, NOTHING_TO_ACCEPT };
enum { EAGAIN = 11 };
#define MOST_CLASS 7

static __always_inline int count(u8 kind, u16 class, u64 events)
{
	struct key key = { .kind = kind, .bucket = class };

	key.group.tgid = bpf_get_current_pid_tgid() >> 32;
	add(&key, events);
	return 0;
}

/* 0, 1, 2-3, 4-7, … */
static __always_inline int woken(long events)
{
	u32 class;

	if (events < 0)
		return 0;
	class = events ? floor_log2(events) + 1 : 0;
	return count(WOKEN, class > MOST_CLASS ? MOST_CLASS : class, events);
}

static __always_inline int accepted(long result)
{
	if (result >= 0)
		return count(ACCEPTED, 0, 0);
	return result == -EAGAIN ? count(NOTHING_TO_ACCEPT, 0, 0) : 0;
}

#define ON_RETURN_OF(name, told)                                \
	SEC("tp/syscalls/sys_exit_" #name)                      \
	int name##_returned(struct trace_event_raw_sys_exit *c) \
	{                                                       \
		return told(c->ret);                            \
	}

ON_RETURN_OF(epoll_wait, woken)
ON_RETURN_OF(epoll_pwait, woken)
ON_RETURN_OF(epoll_pwait2, woken)
ON_RETURN_OF(accept, accepted)
ON_RETURN_OF(accept4, accepted)

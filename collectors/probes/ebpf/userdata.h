/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
 * The first bytes that the current system call reads from or writes to a socket, where the process has them. */
#pragma once
#include <bpf/bpf_core_read.h>


#define MSG_PEEK 2 /* include/linux/socket.h */

enum shape { UNKNOWN, PLAIN, VECTOR, MESSAGE };

struct user_vector {
	u64 base, length;
};

static __always_inline enum shape shape_x86(u64 number)
{
	switch (number) {
	case 0: /* read */
	case 1: /* write */
	case 44: /* sendto */
	case 45: /* recvfrom */
		return PLAIN;
	case 19: /* readv */
	case 20: /* writev */
		return VECTOR;
	case 46: /* sendmsg */
	case 47: /* recvmsg */
		return MESSAGE;
	}
	return UNKNOWN;
}

static __always_inline enum shape shape_arm64(u64 number)
{
	switch (number) {
	case 63: /* read */
	case 64: /* write */
	case 206: /* sendto */
	case 207: /* recvfrom */
		return PLAIN;
	case 65: /* readv */
	case 66: /* writev */
		return VECTOR;
	case 211: /* sendmsg */
	case 212: /* recvmsg */
		return MESSAGE;
	}
	return UNKNOWN;
}

/* Copies `size` bytes; false when they are not there to see (sendfile, io_uring, the kernel's own sockets). */
static __always_inline bool read_start(void *to, u32 size)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct pt_regs *registers;
	struct user_vector first;
	enum shape shape;
	u64 at;

	if (task->flags & (PF_KTHREAD | PF_IO_WORKER))
		return false;
	registers = (void *)bpf_task_pt_regs(task);
	if (bpf_core_field_exists(((struct pt_regs___x86 *)registers)->orig_ax)) {
		shape = shape_x86(BPF_CORE_READ((struct pt_regs___x86 *)registers, orig_ax));
		at = BPF_CORE_READ((struct pt_regs___x86 *)registers, si);
	} else {
		shape = shape_arm64(BPF_CORE_READ((struct pt_regs___arm *)registers, syscallno));
		at = BPF_CORE_READ((struct pt_regs___arm *)registers, regs[1]);
	}
	if (shape == UNKNOWN)
		return false;
	/* msg_iov lies 16 bytes into struct user_msghdr */
	if (shape == MESSAGE && bpf_probe_read_user(&at, sizeof(at), (void *)at + 16))
		return false;
	if (shape != PLAIN) {
		if (bpf_probe_read_user(&first, sizeof(first), (void *)at) || first.length < size)
			return false;
		at = first.base;
	}
	return !bpf_probe_read_user(to, size, (void *)at);
}

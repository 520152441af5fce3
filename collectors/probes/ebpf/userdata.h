/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
 * The first bytes that the current system call reads from or writes to a socket, where the process has them. */
#pragma once
#include <bpf/bpf_core_read.h>

#define MSG_PEEK 2 /* include/linux/socket.h */

enum shape { UNKNOWN, PLAIN, VECTOR, MESSAGE };

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

struct userdata {
	u64 at, length;
};

/* Where the data of the current system call begin and how much lies together there, at most `length`; false when that
 * is not to be seen (sendfile, io_uring, the kernel's own sockets). */
static __always_inline bool find_userdata(struct userdata *data, u64 length)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct pt_regs *registers;
	enum shape shape;

	if (task->flags & (PF_KTHREAD | PF_IO_WORKER))
		return false;
	registers = (void *)bpf_task_pt_regs(task);
	if (bpf_core_field_exists(((struct pt_regs___x86 *)registers)->orig_ax)) {
		shape = shape_x86(BPF_CORE_READ((struct pt_regs___x86 *)registers, orig_ax));
		data->at = BPF_CORE_READ((struct pt_regs___x86 *)registers, si);
	} else {
		shape = shape_arm64(BPF_CORE_READ((struct pt_regs___arm *)registers, syscallno));
		data->at = BPF_CORE_READ((struct pt_regs___arm *)registers, regs[1]);
	}
	data->length = length;
	if (shape == UNKNOWN)
		return false;
	/* msg_iov lies 16 bytes into struct user_msghdr */
	if (shape == MESSAGE && bpf_probe_read_user(&data->at, sizeof(data->at), (void *)data->at + 16))
		return false;
	if (shape == PLAIN)
		return true;
	if (bpf_probe_read_user(data, sizeof(*data), (void *)data->at)) /* its first struct iovec */
		return false;
	if (data->length > length)
		data->length = length;
	return true;
}

/* Copies their first `size` bytes; false when they are not there. */
static __always_inline bool read_start(struct userdata *data, void *to, u32 size)
{
	return data->length >= size && !bpf_probe_read_user(to, size, (void *)data->at);
}

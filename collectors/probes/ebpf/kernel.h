/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
 * The few kernel types that the programs read, with the few fields they read of them. The loader looks up the real
 * offsets in the running kernel (CO-RE), so these need no more than the names. */
#pragma once

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef signed char s8;
typedef int s32;
typedef long long s64;
/* What libbpf's headers call them. */
typedef u8 __u8;
typedef u16 __u16;
typedef u32 __u32;
typedef u64 __u64;
typedef s32 __s32;
typedef s64 __s64;
typedef u16 __be16;
typedef u32 __be32;
typedef u32 __wsum;
typedef u16 __sum16;
typedef _Bool bool;
enum { false, true };

/* include/uapi/linux/bpf.h */
enum { BPF_ANY, BPF_NOEXIST };
enum { BPF_SK_STORAGE_GET_F_CREATE = 1 };
enum { BPF_F_NO_PREALLOC = 1 };
enum bpf_map_type {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PERCPU_HASH = 5,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_SK_STORAGE = 24,
};

/* include/net/tcp_states.h, include/linux/socket.h */
enum { TCP_ESTABLISHED = 1, TCP_SYN_SENT, TCP_SYN_RECV, TCP_CLOSE = 7, TCP_LISTEN = 10 };
enum { AF_INET = 2, AF_INET6 = 10, IPPROTO_TCP = 6, IPPROTO_UDP = 17 };

/* include/linux/sched.h */
#define PF_IO_WORKER 0x00000010
#define PF_KTHREAD 0x00200000

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct ns_common {
	u32 inum;
};
struct net {
	struct ns_common ns;
};
typedef struct {
	struct net *net;
} possible_net_t;
struct in6_addr {
	union {
		__be32 u6_addr32[4];
	} in6_u;
};
struct sock_common {
	__be32 skc_daddr, skc_rcv_saddr;
	__be16 skc_dport;
	u16 skc_num;
	u16 skc_family;
	u8 skc_state;
	possible_net_t skc_net;
	struct in6_addr skc_v6_daddr, skc_v6_rcv_saddr;
};
struct sock {
	struct sock_common __sk_common;
	u16 sk_protocol;
	int sk_err;
};
struct inet_bind_bucket {
	s8 fastreuse;
};
struct inet_sock {
	struct sock sk;
	__be16 inet_sport;
};
struct inet_connection_sock {
	struct inet_sock icsk_inet;
	struct inet_bind_bucket *icsk_bind_hash;
};
struct tcp_sock {
	struct inet_connection_sock inet_conn;
	u32 srtt_us;
	u64 bytes_received;
	u32 segs_in, rcv_nxt, copied_seq;
};
struct socket {
	struct sock *sk;
};
struct inode {
	unsigned long i_ino;
};
struct file {
	struct inode *f_inode;
	void *private_data;
};
struct fdtable {
	struct file **fd;
};
struct files_struct {
	struct fdtable *fdt;
};
struct rq {
	u64 clock;
};
struct cfs_rq {
	struct rq *rq;
	u64 throttled_clock_pelt_time;
};
struct sched_entity {
	struct cfs_rq *cfs_rq;
};
struct sched_info {
	u64 last_queued;
};
struct cfs_rq___before_5_19 {
	u64 throttled_clock_task_time;
};
struct task_struct {
	s32 pid, tgid;
	u32 flags;
	struct files_struct *files;
	struct sched_entity se;
	struct sched_info sched_info;
};
struct trace_event_raw_sys_exit {
	long id, ret;
};
/* The registers with which a system call was entered; each machine has its own, and the loader picks by field. */
struct pt_regs___x86 {
	unsigned long di, si;
	unsigned long orig_ax;
};
struct pt_regs___arm {
	u64 regs[31];
	u64 orig_x0;
	s32 syscallno;
};
struct pt_regs;
struct gendisk {
	int major, first_minor;
};
struct request_queue {
	struct gendisk *disk;
};
struct request {
	struct request_queue *q;
	u32 cmd_flags;
	u32 __data_len;
	u64 start_time_ns;
};
struct sk_buff;
struct request_sock {
	struct sock_common __req_common;
};

#pragma clang attribute pop

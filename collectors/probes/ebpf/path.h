/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
 * What routes of a request's path are told apart by: a hash in which segments that name one thing of many (a number, an
 * identifier, an address, a token) are alike, so that /users/17 and /users/18 are one. One path of each hash is kept,
 * from which collectors/probes/ebpf/routes.py makes the name by the same rules. */
#pragma once
#include "userdata.h"

#define PATH_BYTES 64 /* what is longer goes by its beginning */
#define MOST_PATHS 512

enum route { ROUTE_NOT_SEEN, ROUTE_OTHER };
enum placeholder { NO_SEGMENT, LITERAL, NUMBER, HEX, TEXT, TOKEN, CUT };

struct path {
	u8 start[PATH_BYTES];
};

/* The reader deletes those that nobody asks for any more. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MOST_PATHS);
	__type(key, u32);
	__type(value, struct path);
} paths SEC(".maps");

struct segment {
	u32 hash, length, digits, numeric, hex, escaped;
};

/* 1 or 0 without a branch. */
static __always_inline u32 is_within(u8 byte, u8 first, u32 count)
{
	return ((u64)(u8)(byte - first) - count) >> 63;
}

static __always_inline void add_byte(struct segment *segment, u8 byte)
{
	u32 digit = is_within(byte, '0', 10);

	segment->hash = (segment->hash ^ byte) * 16777619; /* FNV-1a */
	segment->length++;
	segment->digits += digit;
	segment->numeric += digit | is_within(byte, '+', 4) | is_within(byte, ':', 1); /* + , - . : */
	segment->hex += digit | is_within(byte | 0x20, 'a', 6) | is_within(byte, '-', 1);
	segment->escaped += is_within(byte, '@', 1) | is_within(byte, '%', 1);
}

static __always_inline enum placeholder placeholder_of(struct segment *segment)
{
	if (!segment->length)
		return NO_SEGMENT;
	if (segment->escaped)
		return TEXT;
	if (segment->digits && segment->numeric == segment->length)
		return NUMBER;
	if (segment->digits && segment->hex == segment->length && segment->length >= 8)
		return HEX;
	return segment->length >= (segment->digits ? 20 : 40) ? TOKEN : LITERAL;
}

struct measured {
	u8 bytes[PATH_BYTES];
	struct segment segment;
	u32 hash, end;
	bool whole;
};

static __always_inline void close_segment(struct measured *path, bool cut)
{
	enum placeholder kind = cut ? CUT : placeholder_of(&path->segment);

	path->hash = (path->hash * 31 ^ (kind == LITERAL ? path->segment.hash : kind)) * 16777619;
	path->segment = (struct segment){};
}

static long measure_byte(u32 at, struct measured *path)
{
	u8 byte;

	if (at >= PATH_BYTES)
		return 1;
	byte = path->bytes[at];
	path->end = at;
	if (byte == ' ' || byte == '?' || byte == ';' || byte == '\r' || byte == '\n') {
		path->whole = true;
		return 1;
	}
	path->end++;
	if (byte == '/')
		close_segment(path, false);
	else
		add_byte(&path->segment, byte);
	return 0;
}

/* The route of the path that lies `offset` bytes into the current system call's data. */
static __noinline u32 route_at(struct userdata *data, u32 offset)
{
	struct measured path = { .hash = 2166136261 };
	struct path kept = {};
	u32 length = data->length - offset;

	if (data->length <= offset)
		return ROUTE_NOT_SEEN;
	if (length > PATH_BYTES)
		length = PATH_BYTES;
	if (bpf_probe_read_user(path.bytes, length, (void *)data->at + offset))
		return ROUTE_NOT_SEEN;
	if (path.bytes[0] != '/' && path.bytes[0] != 'h' && path.bytes[0] != '*')
		return ROUTE_OTHER;
	/* A callback is verified once; of a plain loop the verifier would follow every way through every byte. */
	bpf_loop(length, measure_byte, &path, 0);
	if (!path.whole && length < PATH_BYTES) /* its rest is still to come */
		return ROUTE_NOT_SEEN;
	close_segment(&path, !path.whole);
	path.hash |= 2; /* none of enum route */
	if (bpf_map_lookup_elem(&paths, &path.hash))
		return path.hash;
	if (path.end > PATH_BYTES || bpf_probe_read_user(kept.start, path.end, (void *)data->at + offset))
		return ROUTE_OTHER;
	return bpf_map_update_elem(&paths, &path.hash, &kept, BPF_ANY) ? ROUTE_OTHER : path.hash;
}

/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
 * How a request of HTTP/1.x begins. */
#pragma once

#define WORD(a, b, c, d) ((u32)(a) | (u32)(b) << 8 | (u32)(c) << 16 | (u32)(d) << 24)

enum method { NOT_SEEN, GET, POST, PUT, HEAD, DELETE, PATCH, OPTIONS };

/* By the first four bytes; -1 when they begin no request. */
static __always_inline s32 method_of(u32 start)
{
	switch (start) {
	case WORD('G', 'E', 'T', ' '):
		return GET;
	case WORD('P', 'O', 'S', 'T'):
		return POST;
	case WORD('P', 'U', 'T', ' '):
		return PUT;
	case WORD('H', 'E', 'A', 'D'):
		return HEAD;
	case WORD('D', 'E', 'L', 'E'):
		return DELETE;
	case WORD('P', 'A', 'T', 'C'):
		return PATCH;
	case WORD('O', 'P', 'T', 'I'):
		return OPTIONS;
	}
	return -1;
}

/* How many bytes the method and its space take. */
static __always_inline u32 path_offset(u8 method)
{
	switch (method) {
	case GET:
	case PUT:
		return 4;
	case POST:
	case HEAD:
		return 5;
	case PATCH:
		return 6;
	case DELETE:
		return 7;
	}
	return 8; /* OPTIONS */
}

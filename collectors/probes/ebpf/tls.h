/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
 * What a TLS handshake shows of itself before it is encrypted (RFC 8446, sections 4.1 and 5.1). */
#pragma once
#include "userdata.h"

#define RECORD_HEADER 5
#define SESSION_BYTES 8 /* enough of a session's id to know it again */
#define MOST_EXTENSIONS 32

enum record { ALERT = 21, HANDSHAKE = 22, APPLICATION_DATA = 23 };
enum message { CLIENT_HELLO = 1, SERVER_HELLO = 2 };
enum extension { ALPN = 16, PRE_SHARED_KEY = 41, SUPPORTED_VERSIONS = 43 };
enum offer { OFFER_NOT_SEEN, OFFERS_NOTHING, OFFERS_H2, OFFERS_HTTP_1_1, OFFERS_OTHER };
#define TLS_1_3 4 /* the minor half of version 0x0304 */
#define OFFSET_OF_VERSION 4
#define OFFSET_OF_RANDOM 6
#define OFFSET_OF_SESSION 38
#define RETRY_REQUEST 0x74ad21cf /* how a HelloRetryRequest's "random" begins, as a little-endian word */

static __always_inline u32 read_number(const u8 *bytes)
{
	return (u32)bytes[0] << 8 | bytes[1];
}

/* Bytes `offset` into what lies at `data`; false when they are not there. */
static __always_inline bool read_at(struct userdata *data, u64 offset, void *to, u32 size)
{
	return offset + size <= data->length && !bpf_probe_read_user(to, size, (void *)data->at + offset);
}

/* The first protocol that a client would like to speak; `offset` is that of the extension's content. */
static __always_inline enum offer offer_at(struct userdata *data, u64 offset)
{
	u8 told[5] = {}; /* the list's length, the first name's length, the name */

	if (!read_at(data, offset, told, sizeof(told)))
		return OFFER_NOT_SEEN;
	if (told[2] == 2 && told[3] == 'h' && told[4] == '2')
		return OFFERS_H2;
	return told[2] == 8 && told[3] == 'h' && told[4] == 't' ? OFFERS_HTTP_1_1 : OFFERS_OTHER;
}

struct client_hello {
	u8 session[SESSION_BYTES];
	u8 offer;
};

/* `data` begins with the message. What of it is not there yet is not seen. */
static __always_inline void parse_client_hello(struct userdata *data, struct client_hello *hello)
{
	u64 offset = OFFSET_OF_SESSION, end;
	u8 told[4] = {};

	hello->offer = OFFER_NOT_SEEN;
	if (!read_at(data, offset, told, 1))
		return;
	if (told[0] >= SESSION_BYTES)
		read_at(data, offset + 1, hello->session, SESSION_BYTES);
	offset += 1 + told[0];
	if (!read_at(data, offset, told, 2)) /* cipher suites */
		return;
	offset += 2 + read_number(told);
	if (!read_at(data, offset, told, 1)) /* compression methods */
		return;
	offset += 1 + told[0];
	if (!read_at(data, offset, told, 2)) /* extensions; there need not be any */
		told[0] = told[1] = 0;
	offset += 2;
	end = offset + read_number(told);
	for (u32 at = 0; at < MOST_EXTENSIONS && offset < end; at++) {
		if (!read_at(data, offset, told, 4))
			return;
		if (read_number(told) == ALPN) {
			hello->offer = offer_at(data, offset + 4);
			return;
		}
		offset += 4 + read_number(told + 2);
	}
	hello->offer = OFFERS_NOTHING;
}

struct server_hello {
	u8 version, resumed;
};

/* `data` begins with the message, which answers `hello`; false when it only asks for another hello. */
static __always_inline bool parse_server_hello(struct userdata *data, struct client_hello *hello,
					       struct server_hello *answer)
{
	u64 offset = OFFSET_OF_SESSION, session = 0, end;
	u8 told[4] = {}, pre_shared = 0;
	u32 random = 0;

	if (!read_at(data, OFFSET_OF_RANDOM, &random, sizeof(random)) || random == RETRY_REQUEST)
		return false;
	read_at(data, OFFSET_OF_VERSION, told, 2);
	answer->version = told[1];
	read_at(data, offset, told, 1);
	if (told[0] >= SESSION_BYTES)
		read_at(data, offset + 1, &session, sizeof(session));
	offset += 1 + told[0] + 2 + 1; /* session, cipher suite, compression method */
	if (!read_at(data, offset, told, 2)) /* extensions */
		told[0] = told[1] = 0;
	offset += 2;
	end = offset + read_number(told);
	for (u32 at = 0; at < MOST_EXTENSIONS && offset < end && read_at(data, offset, told, 4); at++) {
		if (read_number(told) == PRE_SHARED_KEY)
			pre_shared = 1;
		if (read_number(told) == SUPPORTED_VERSIONS)
			answer->version = TLS_1_3;
		offset += 4 + read_number(told + 2);
	}
	/* Up to 1.2 a server that goes on with a session repeats its id. */
	answer->resumed = answer->version == TLS_1_3 ? pre_shared : session && session == *(u64 *)hello->session;
	return true;
}

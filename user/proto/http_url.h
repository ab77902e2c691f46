/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of request targets and of the headers that name hosts; redaction of what must not be
 * exported. Results are views into the input unless said otherwise.
 */
#ifndef PROTO_HTTP_URL_H
#define PROTO_HTTP_URL_H

#include "util/bytes.h"

enum http_target_form {
	TARGET_ORIGIN, /* /path?query */
	TARGET_ABSOLUTE, /* http://host/path?query */
	TARGET_ASTERISK, /* * */
	TARGET_AUTHORITY, /* host:port, of CONNECT */
};

struct http_target {
	enum http_target_form form;
	struct bytes scheme, authority; /* ABSOLUTE; AUTHORITY: no scheme */
	struct bytes path, query; /* query: without its question mark */
	bool has_query;
};

void http_target_parse(struct bytes target, bool connect, struct http_target *out);

struct http_authority {
	struct bytes host; /* without brackets */
	unsigned port; /* 0: none */
	bool has_user; /* there were credentials */
	struct bytes host_port; /* as it stands, without the credentials */
};

/* host is empty when there is none. */
void http_authority_parse(struct bytes authority, struct http_authority *out);

/* The first element of a Forwarded header (RFC 7239 §4); empty: not there. */
struct http_forwarded {
	struct bytes client, host, proto;
};

void http_forwarded_parse(struct bytes value, struct http_forwarded *out);

/* The first element of a comma list. */
struct bytes http_list_first(struct bytes list);
/* The address of a node as in Forwarded or X-Forwarded-For, without port and brackets; empty when
 * it is not known. */
struct bytes http_node_address(struct bytes node);

/*
 * The query with the values of sensitive keys replaced by REDACTED; written to out only when
 * something was. What does not fit is left out.
 */
struct bytes http_query_redact(struct bytes query, u8 *out, size_t room);
/* The same for session ids in path parameters (";jsessionid="). */
struct bytes http_path_redact(struct bytes path, u8 *out, size_t room);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Targets, hosts, redaction, routes: views stay inside their input, results inside their room. */
#include "input.h"

#include "proto/http_route.h"
#include "proto/http_url.h"

static void inside(struct bytes view, struct bytes all)
{
	must(bytes_empty(view) || (view.p >= all.p && view.end <= all.end && view.p < view.end));
}

/* Redacting twice changes nothing: what was put in is not taken for a secret's value again. */
static void redact(struct bytes query)
{
	static u8 once[4 << 16], twice[4 << 16];
	struct bytes a = http_query_redact(query, once, sizeof(once)), b;

	if (bytes_len(query) * 3 > sizeof(once))
		return;
	b = http_query_redact(a, twice, sizeof(twice));
	must(bytes_eq(a, b));
	(void)http_path_redact(query, twice, sizeof(twice));
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct bytes in = bytes_of(data, size);
	u8 how = input_u8(&in), room[HTTP_ROUTE_MAX];
	struct http_forwarded f;
	struct http_authority a;
	struct http_target t;
	char pattern[64] = "/";

	http_target_parse(in, how & 1, &t);
	inside(t.authority, in);
	inside(t.query, in);
	http_authority_parse(in, &a);
	inside(a.host, in);
	inside(a.host_port, in);
	must(a.port <= 65535);
	http_forwarded_parse(in, &f);
	inside(f.client, in);
	inside(f.host, in);
	inside(f.proto, in);
	inside(http_node_address(in), in);
	redact(in);
	must(bytes_len(http_route_guess(in, room)) <= HTTP_ROUTE_MAX);
	memcpy(pattern + 1, in.p, bytes_len(in) < 60 ? bytes_len(in) : 60);
	if (!http_pattern_check(pattern)) {
		(void)http_pattern_match(pattern, in);
		must(!http_pattern_compare(pattern, pattern));
	}
	return 0;
}

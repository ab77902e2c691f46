/* SPDX-License-Identifier: Apache-2.0 */
/* What the user asked of HTTP. Set once before the first record; read only afterwards. */
#ifndef PROTO_HTTP_CONFIG_H
#define PROTO_HTTP_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

/* One --header NAME: the field's name and the two attribute keys made from it. */
struct http_header {
	char *name; /* lower case */
	char *request_key; /* http.request.header.<name> */
	char *response_key; /* http.response.header.<name> */
};

struct http_config {
	struct http_header *headers;
	size_t header_count;
	char **routes; /* --route templates, the more specific first */
	size_t route_count;
	char **ignore; /* --ignore patterns: a path, `*` for one segment, `**` for the rest */
	size_t ignore_count;
	bool guess_off; /* --route-guess off */
};

/* Each returns 0, -EINVAL when the text is not a header name or a pattern, or -ENOMEM. */
int http_config_header(struct http_config *c, const char *name);
int http_config_route(struct http_config *c, const char *pattern);
int http_config_ignore(struct http_config *c, const char *pattern);
void http_config_done(struct http_config *c);

/* The one in use by the protocol; borrowed. Default: an empty one. */
void http_config_use(const struct http_config *c);
/* Never NULL. */
const struct http_config *http_config_in_use(void);

#endif

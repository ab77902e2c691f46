/* SPDX-License-Identifier: Apache-2.0 */
/* What the user asked of HTTP: checked and put in order once, so that matching is a plain walk. */
#include "proto/http_config.h"

#include <stdio.h>
#include <stdlib.h>

#include "proto/http_route.h"
#include "util/buf.h"

enum {
	HEADER_NAME_MAX = 128
};

/* Makes room for one more in an array of count items. */
static int grow(void **items, size_t count, size_t size)
{
	void *more = reallocarray(*items, count + 1, size);

	if (!more)
		return -ENOMEM;
	*items = more;
	return 0;
}

static void header_done(struct http_header *h)
{
	free(h->name);
	free(h->request_key);
	free(h->response_key);
}

static char *joined(const char *a, const char *b)
{
	char *text = NULL;

	return asprintf(&text, "%s%s", a, b) < 0 ? NULL : text;
}

/* tchar of RFC 9110 §5.6.2. */
static bool is_header_name(const char *name)
{
	size_t n = strlen(name);

	if (!n || n > HEADER_NAME_MAX)
		return false;
	for (; *name; name++) {
		u8 c = ascii_lower((u8)*name);

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') &&
		    !strchr("!#$%&'*+-.^_`|~", c))
			return false;
	}
	return true;
}

int http_config_header(struct http_config *c, const char *name)
{
	struct http_header h = {0};

	if (!is_header_name(name))
		return -EINVAL;
	h.name = strdup(name);
	for (char *p = h.name; p && *p; p++)
		*p = (char)ascii_lower((u8)*p);
	for (size_t i = 0; h.name && i < c->header_count; i++) {
		if (strcmp(c->headers[i].name, h.name))
			continue;
		free(h.name);
		return 0;
	}
	if (h.name) {
		h.request_key = joined("http.request.header.", h.name);
		h.response_key = joined("http.response.header.", h.name);
	}
	if (!h.request_key || !h.response_key ||
	    grow((void **)&c->headers, c->header_count, sizeof(h))) {
		header_done(&h);
		return -ENOMEM;
	}
	c->headers[c->header_count++] = h;
	return 0;
}

/* Inserts a pattern before the first less specific one: the first match is then the best. */
static int add_pattern(char ***list, size_t *count, const char *pattern)
{
	size_t i = *count;
	char *copy;

	if (http_pattern_check(pattern))
		return -EINVAL;
	copy = strdup(pattern);
	if (!copy || grow((void **)list, *count, sizeof(**list))) {
		free(copy);
		return -ENOMEM;
	}
	for (; i && http_pattern_compare(pattern, (*list)[i - 1]) < 0; i--)
		(*list)[i] = (*list)[i - 1];
	(*list)[i] = copy;
	(*count)++;
	return 0;
}

int http_config_route(struct http_config *c, const char *pattern)
{
	return add_pattern(&c->routes, &c->route_count, pattern);
}

int http_config_ignore(struct http_config *c, const char *pattern)
{
	return add_pattern(&c->ignore, &c->ignore_count, pattern);
}

void http_config_done(struct http_config *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->header_count; i++)
		header_done(&c->headers[i]);
	for (size_t i = 0; i < c->route_count; i++)
		free(c->routes[i]);
	for (size_t i = 0; i < c->ignore_count; i++)
		free(c->ignore[i]);
	free(c->headers);
	free(c->routes);
	free(c->ignore);
	*c = (struct http_config){0};
}

static const struct http_config nothing;
static const struct http_config *in_use = &nothing;

void http_config_use(const struct http_config *c)
{
	in_use = c ? c : &nothing;
}

const struct http_config *http_config_in_use(void)
{
	return in_use;
}

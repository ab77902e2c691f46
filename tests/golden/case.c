/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a golden case. The format is told in tests/golden/README.md. */
#include "case.h"

#include <stdio.h>
#include <stdlib.h>

struct reader {
	struct golden_case *c;
	const char *path;
	unsigned line;
	u64 time;
	size_t head, tail;
	bool no_content, undecided, apart;
	struct buf *expect;
};

static bool bad(struct reader *r, const char *what)
{
	printf("  %s:%u: %s\n", r->path, r->line, what);
	return false;
}

static struct event *add_event(struct reader *r, enum event_kind kind, bool from_client)
{
	struct golden_case *c = r->c;
	struct event *e = &c->events[c->count];

	if (c->count == CASE_EVENTS_MAX)
		return NULL;
	c->count++;
	*e = (struct event){.kind = kind, .from_client = from_client, .time = ++r->time};
	e->at = c->bytes.len;
	e->head = r->head;
	e->tail = r->tail;
	e->no_content = r->no_content;
	e->undecided = r->undecided;
	r->no_content = r->undecided = false;
	r->apart = true;
	return e;
}

static int hex(char c)
{
	u64 n;

	return bytes_hex(bytes_of(&c, 1), &n) ? -1 : (int)n;
}

static bool add_escaped(struct buf *b, const char *text)
{
	static const char names[] = "rnt0\\", values[] = "\r\n\t\0\\";

	for (; *text; text++) {
		const char *name;

		if (*text != '\\') {
			buf_u8(b, (u8)*text);
			continue;
		}
		text++;
		name = *text ? strchr(names, *text) : NULL;
		if (name) {
			buf_u8(b, (u8)values[name - names]);
		} else if (*text == 'x' && hex(text[1]) >= 0 && hex(text[2]) >= 0) {
			buf_u8(b, (u8)(hex(text[1]) << 4 | hex(text[2])));
			text += 2;
		} else {
			return false;
		}
	}
	return true;
}

/* "> line", ">| bytes", ">* count bytes"; the same with <. */
static bool bytes_line(struct reader *r, const char *line)
{
	struct golden_case *c = r->c;
	bool from_client = *line == '>', ok = true;
	struct event *e = c->count ? &c->events[c->count - 1] : NULL;
	const char *text = line + 1;
	unsigned long times = 1;
	char how = *text;
	char *after;

	if (how == '|' || how == '*')
		text++;
	if (*text == ' ')
		text++;
	if (how == '*') {
		times = strtoul(text, &after, 10);
		if (after == text || *after != ' ' || times > 10000000)
			return bad(r, "a count and bytes are expected");
		text = after + 1;
	}
	if (!e || e->kind != EVENT_BYTES || e->from_client != from_client || r->apart)
		e = add_event(r, EVENT_BYTES, from_client);
	if (!e)
		return bad(r, "too many events");
	r->apart = false;
	while (times-- && ok)
		ok = add_escaped(&c->bytes, text);
	if (how != '|' && how != '*')
		buf_str(&c->bytes, "\r\n");
	e->len = c->bytes.len - e->at;
	return ok || bad(r, "unknown escape");
}

static bool config_line(struct reader *r, const char *word, const char *arg)
{
	int err = -EINVAL;

	if (!strcmp(word, "route"))
		err = http_config_route(&r->c->config, arg);
	else if (!strcmp(word, "header"))
		err = http_config_header(&r->c->config, arg);
	else if (!strcmp(word, "ignore"))
		err = http_config_ignore(&r->c->config, arg);
	else
		return bad(r, "unknown directive");
	return !err || bad(r, "not accepted by http_config");
}

static bool end_line(struct reader *r, const char *word, const char *arg)
{
	struct event *e = NULL;

	if (!strcmp(word, "eof"))
		e = add_event(r, EVENT_EOF, *arg == '>');
	else if (!strcmp(word, "close"))
		e = add_event(r, EVENT_CLOSE, false);
	else if (!strcmp(word, "error"))
		e = add_event(r, EVENT_ERROR, false);
	else if (!strcmp(word, "gap") && strlen(arg) > 2)
		e = add_event(r, EVENT_GAP, *arg == '>');
	else
		return config_line(r, word, arg);
	if (!e)
		return bad(r, "too many events");
	if (e->kind == EVENT_GAP)
		e->gap = strtoull(arg + 1, NULL, 10);
	if (e->kind == EVENT_ERROR)
		e->err = (int)strtol(arg, NULL, 10);
	return true;
}

static bool directive(struct reader *r, char *line)
{
	char *arg = strchr(line, ' ');

	if (arg)
		*arg++ = '\0';
	else
		arg = line + strlen(line);
	if (!strcmp(line, "wait")) {
		r->time += strtoull(arg, NULL, 10);
		r->apart = true;
	} else if (!strcmp(line, "--")) {
		r->apart = true;
	} else if (!strcmp(line, "old")) {
		r->c->old = true;
	} else if (!strcmp(line, "all-attributes")) {
		r->c->all = true;
	} else if (!strcmp(line, "whole-only")) {
		r->c->whole_only = true;
	} else if (!strcmp(line, "undecided")) {
		r->undecided = r->apart = true;
	} else if (!strcmp(line, "no-content")) {
		r->no_content = true;
		r->apart = true;
		r->c->whole_only = true;
	} else if (!strcmp(line, "guess-off")) {
		r->c->config.guess_off = true;
	} else if (!strcmp(line, "capture")) {
		r->head = strtoul(arg, &arg, 10);
		r->tail = strtoul(arg, NULL, 10);
		r->apart = true;
		r->c->whole_only = true;
	} else {
		return end_line(r, line, arg);
	}
	return true;
}

static bool read_line(struct reader *r, char *line)
{
	if (!strcmp(line, "== client") || !strcmp(line, "== server")) {
		r->expect = &r->c->expect[line[3] == 's'];
		return true;
	}
	if (r->expect) {
		if (*line) {
			buf_str(r->expect, line);
			buf_u8(r->expect, '\n');
		}
		return true;
	}
	buf_str(&r->c->script, line);
	buf_u8(&r->c->script, '\n');
	if (*line == '#' || !*line)
		return true;
	return *line == '>' || *line == '<' ? bytes_line(r, line) : directive(r, line);
}

bool case_read(struct golden_case *c, const char *path)
{
	struct reader r = {.c = c, .path = path, .apart = true};
	FILE *f = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;
	bool ok = true;

	*c = (struct golden_case){0};
	if (!f)
		return bad(&r, "cannot be opened");
	for (ssize_t n; ok && (n = getline(&line, &size, f)) > 0;) {
		r.line++;
		if (line[n - 1] == '\n')
			line[n - 1] = '\0';
		ok = read_line(&r, line);
	}
	free(line);
	fclose(f);
	return ok;
}

void case_done(struct golden_case *c)
{
	buf_done(&c->bytes);
	buf_done(&c->script);
	buf_done(&c->expect[0]);
	buf_done(&c->expect[1]);
	http_config_done(&c->config);
}

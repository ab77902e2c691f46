/* SPDX-License-Identifier: Apache-2.0 */
/* W3C trace context, level 2: https://www.w3.org/TR/trace-context-2/ */
#include "span/context.h"

#include <sys/random.h>
#include <unistd.h>

#include "util/clock.h"

/* §3.2.2: version "-" trace-id "-" parent-id "-" flags. */
enum {
	TRACE_ID_AT = 3,
	PARENT_ID_AT = 36,
	FLAGS_AT = 53,
	V00_LEN = 55,
};

/* §3.3.1.3 */
enum {
	STATE_MEMBERS_MAX = 32,
	STATE_KEY_MAX = 256,
	STATE_VALUE_MAX = 256,
	STATE_LONG_MEMBER = 128, /* §3.3.1.5: longer ones are the first to be dropped */
};

/* Lower case only: upper case is invalid (§3.2.2.3). */
static int hex_digit(u8 c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

static bool hex_bytes(const u8 *text, u8 *out, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		out[i] = (u8)(high << 4 | low);
	}
	return true;
}

static bool all_zero(const u8 *p, size_t n)
{
	u8 any = 0;

	for (size_t i = 0; i < n; i++)
		any |= p[i];
	return !any;
}

/* Version 00 ends after the flags; a later one may go on after another dash. */
static bool length_fits(struct bytes v, u8 version)
{
	if (bytes_len(v) == V00_LEN)
		return true;
	return version > 0 && v.p[V00_LEN] == '-';
}

int context_parse_traceparent(struct bytes value, struct trace_context *out)
{
	struct bytes v = bytes_trim(value);
	struct trace_context c = {.valid = true};
	u8 version;

	if (bytes_len(v) < V00_LEN || !hex_bytes(v.p, &version, 1) || version == 0xff)
		return -EINVAL;
	if (v.p[TRACE_ID_AT - 1] != '-' || v.p[PARENT_ID_AT - 1] != '-' ||
	    v.p[FLAGS_AT - 1] != '-' || !length_fits(v, version))
		return -EINVAL;
	if (!hex_bytes(v.p + TRACE_ID_AT, c.trace_id, sizeof(c.trace_id)) ||
	    !hex_bytes(v.p + PARENT_ID_AT, c.span_id, sizeof(c.span_id)) ||
	    !hex_bytes(v.p + FLAGS_AT, &c.flags, 1))
		return -EINVAL;
	if (all_zero(c.trace_id, sizeof(c.trace_id)) || all_zero(c.span_id, sizeof(c.span_id)))
		return -EINVAL;
	c.flags &= TRACE_FLAG_SAMPLED | TRACE_FLAG_RANDOM;
	*out = c;
	return 0;
}

/* Level 2, §3.3.1.3.1: the old rule for tenant@vendor is gone. */
static bool key_valid(struct bytes key)
{
	if (bytes_empty(key) || bytes_len(key) > STATE_KEY_MAX)
		return false;
	for (const u8 *p = key.p; p < key.end; p++) {
		bool alnum = (*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9');

		if (!alnum && (p == key.p || !*p || !strchr("_-*/@", *p)))
			return false;
	}
	return true;
}

static bool value_valid(struct bytes value)
{
	if (bytes_empty(value) || bytes_len(value) > STATE_VALUE_MAX || value.end[-1] == ' ')
		return false;
	for (const u8 *p = value.p; p < value.end; p++)
		if (*p < 0x20 || *p > 0x7e || *p == ',' || *p == '=')
			return false;
	return true;
}

/* Takes the next member, trimmed, possibly empty. */
static int next_member(struct bytes *in, struct bytes *out)
{
	struct bytes m;

	if (bytes_empty(*in))
		return -ENODATA;
	if (bytes_until(in, ',', &m)) {
		m = *in;
		in->p = in->end;
	}
	*out = bytes_trim(m);
	return 0;
}

static bool members_valid(struct bytes in)
{
	struct bytes m, key;
	unsigned count = 0;

	while (!next_member(&in, &m)) {
		if (bytes_empty(m))
			continue;
		if (++count > STATE_MEMBERS_MAX || bytes_until(&m, '=', &key) || !key_valid(key) ||
		    !value_valid(m))
			return false;
	}
	return true;
}

/*
 * What to keep of a tracestate that is too long. The result is a part of the input, so only long
 * members at its beginning can be dropped for being long; then members go from the end.
 */
static struct bytes shorten(struct bytes in)
{
	struct bytes keep = in, rest = in, m;

	while (bytes_len(keep) > TRACESTATE_MAX && !next_member(&rest, &m) &&
	       (bytes_empty(m) || bytes_len(m) > STATE_LONG_MEMBER))
		keep.p = rest.p;
	keep = bytes_trim(keep);
	rest = keep;
	keep.end = keep.p;
	while (!next_member(&rest, &m)) {
		if ((size_t)(m.end - keep.p) > TRACESTATE_MAX)
			break;
		if (!bytes_empty(m))
			keep.end = m.end;
	}
	return keep;
}

int context_parse_tracestate(struct bytes value, struct bytes *out)
{
	struct bytes v = bytes_trim(value);

	if (!members_valid(v))
		return -EINVAL;
	*out = bytes_len(v) > TRACESTATE_MAX ? shorten(v) : v;
	return 0;
}

/* xoshiro256** 1.0, Blackman and Vigna 2018, https://prng.di.unimi.it: public domain. */
struct rng {
	u64 s[4];
	bool seeded;
};

static u64 rotl(u64 x, int k)
{
	return x << k | x >> (64 - k);
}

static void rng_seed(struct rng *r)
{
	if (getrandom(r->s, sizeof(r->s), 0) != sizeof(r->s)) {
		/* A sandbox that forbids getrandom: ids differ at least between runs. */
		r->s[0] = clock_ns(CLOCK_REALTIME) * 0x9e3779b97f4a7c15ULL;
		r->s[1] = clock_mono();
		r->s[2] = (u64)getpid();
		r->s[3] = (u64)(uintptr_t)r;
	}
	r->s[0] |= all_zero((u8 *)r->s, sizeof(r->s));
	r->seeded = true;
}

static u64 rng_next(void)
{
	/* One for each thread, so that no lock is needed; the pipeline is the only one today. */
	static __thread struct rng r;
	u64 result, t;

	if (!r.seeded)
		rng_seed(&r);
	result = rotl(r.s[1] * 5, 7) * 9;
	t = r.s[1] << 17;
	r.s[2] ^= r.s[0];
	r.s[3] ^= r.s[1];
	r.s[1] ^= r.s[2];
	r.s[0] ^= r.s[3];
	r.s[2] ^= t;
	r.s[3] = rotl(r.s[3], 45);
	return result;
}

void context_new_trace_id(u8 out[16])
{
	u64 half[2];

	do {
		half[0] = rng_next();
		half[1] = rng_next();
	} while (!(half[0] | half[1]));
	memcpy(out, half, sizeof(half));
}

void context_new_span_id(u8 out[8])
{
	u64 id;

	do
		id = rng_next();
	while (!id);
	memcpy(out, &id, sizeof(id));
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Spans: attributes, the arena, and the repair of text. */
#include "span/span.h"
#include "span/utf8.h"
#include "test.h"
#include "util/stats.h"

static struct bytes repaired(struct buf *b, const char *text, size_t n)
{
	struct bytes in = guard_copy(bytes_of(text, n));

	buf_clear(b);
	utf8_add(b, in);
	guard_free(in);
	return buf_bytes(b);
}

TEST(good_utf8_is_kept)
{
	static const char text[] = "plain, ü, €, 𝄞 and more than eight bytes of it";
	struct buf b = {0};

	CHECK_TEXT(repaired(&b, text, sizeof(text) - 1), text);
	buf_done(&b);
}

TEST(bad_utf8_becomes_the_replacement_character)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{"a\xff"
		 "b",
		 "a�b"},
		{"\xc0\xaf", "��"}, /* overlong slash */
		{"\xed\xa0\x80", "���"}, /* a surrogate */
		{"\xf4\x90\x80\x80", "����"}, /* above U+10FFFF */
		{"\xe2\x82", "�"}, /* cut: one maximal subpart */
		{"\xf0\x9d\x84x", "�x"},
		{"12345678\x80"
		 "9",
		 "12345678�9"},
	};
	struct buf b = {0};

	for (size_t i = 0; i < array_size(cases); i++)
		CHECK_TEXT(repaired(&b, cases[i].in, strlen(cases[i].in)), cases[i].out);
	buf_done(&b);
}

TEST(every_code_point_survives_a_round_trip)
{
	int bad = 0;

	for (int c = 0; c < 0x110000; c++) {
		struct buf b = {0};
		struct bytes in;

		if (c >= 0xd800 && c < 0xe000)
			continue;
		utf8_add_char(&b, c);
		in = buf_bytes(&b);
		bad += utf8_next(&in) != c || !bytes_empty(in);
		buf_done(&b);
	}
	CHECK_INT(bad, 0);
}

TEST(what_moves_the_cursor_is_never_printable)
{
	struct buf b = {0};

	utf8_add_printable(&b, bytes_str("a\033[31mb\r\n\xc2\x9b"
					 "c\xe2\x80\xae\x7f"));
	CHECK_TEXT(buf_bytes(&b), "a�[31mb���c��");
	buf_done(&b);
}

TEST(texts_and_numbers_are_found_again)
{
	struct span *s = span_new();

	span_name(s, bytes_str("GET /x"));
	span_text(s, ATTR_HTTP_METHOD, bytes_str("GET"));
	span_int(s, ATTR_HTTP_STATUS, 200);
	CHECK_TEXT(span_get_name(s), "GET /x");
	CHECK_TEXT(span_get_text(s, ATTR_HTTP_METHOD), "GET");
	CHECK_INT(span_get_int(s, ATTR_HTTP_STATUS, -1), 200);
	CHECK_INT(span_get_int(s, ATTR_SERVER_PORT, -1), -1);
	CHECK_INT(span_get_int(s, ATTR_HTTP_METHOD, -1), -1);
	CHECK_TEXT(span_get_text(s, ATTR_HTTP_STATUS), "");
	CHECK_TEXT(span_get_text(s, ATTR_URL_PATH), "");
	CHECK(!span_find(s, ATTR_URL_PATH));
	CHECK(span_size(s) > sizeof(*s));
	span_free(s);
	span_free(NULL);
}

TEST(a_key_is_there_once)
{
	struct span *s = span_new();

	span_text(s, ATTR_URL_PATH, bytes_str("/a"));
	span_text(s, ATTR_URL_PATH, bytes_str("/b"));
	span_int(s, ATTR_HTTP_STATUS, 1);
	span_int(s, ATTR_HTTP_STATUS, 2);
	span_error(s, "500");
	span_error(s, "timeout");
	CHECK_INT(s->attr_count, 3);
	CHECK_TEXT(span_get_text(s, ATTR_URL_PATH), "/b");
	CHECK_INT(span_get_int(s, ATTR_HTTP_STATUS, 0), 2);
	CHECK_TEXT(span_get_text(s, ATTR_ERROR_TYPE), "timeout");
	CHECK_INT(s->status, STATUS_ERROR);
	span_free(s);
}

TEST(lists_grow_also_when_others_were_written_between)
{
	static const char a[] = "http.request.header.a", b[] = "http.request.header.b";
	struct span *s = span_new();
	struct bytes item;
	u32 at = 0;

	span_list_add(s, a, bytes_str("one"));
	span_list_add(s, a, bytes_str(""));
	span_list_add(s, b, bytes_str("other"));
	span_list_add(s, a, bytes_str("bad \xff"));
	CHECK_INT(s->attr_count, 2);
	CHECK_INT(span_list_next(s, &s->attrs[0], &at, &item), 0);
	CHECK_TEXT(item, "one");
	CHECK_INT(span_list_next(s, &s->attrs[0], &at, &item), 0);
	CHECK_TEXT(item, "");
	CHECK_INT(span_list_next(s, &s->attrs[0], &at, &item), 0);
	CHECK_TEXT(item, "bad �");
	CHECK_INT(span_list_next(s, &s->attrs[0], &at, &item), -ENODATA);
	at = 0;
	CHECK_INT(span_list_next(s, &s->attrs[1], &at, &item), 0);
	CHECK_TEXT(item, "other");
	CHECK_INT(span_list_next(s, &s->attrs[1], &at, &item), -ENODATA);
	span_free(s);
}

TEST(attributes_over_the_limit_are_counted)
{
	struct span *s = span_new();
	u64 before = stat_get(STAT_ATTRS_DROPPED);
	char names[SPAN_ATTRS_LIMIT + 3][16];

	for (int i = 0; i < SPAN_ATTRS_LIMIT + 3; i++) {
		snprintf(names[i], sizeof(names[i]), "k%d", i);
		span_list_add(s, names[i], bytes_str("v"));
	}
	span_text(s, ATTR_URL_PATH, bytes_str("/"));
	span_int(s, ATTR_HTTP_STATUS, 1);
	CHECK_INT(s->attr_count, SPAN_ATTRS_LIMIT);
	CHECK_INT(s->attrs_dropped, 5);
	CHECK_INT(stat_get(STAT_ATTRS_DROPPED) - before, 5);
	span_free(s);
}

TEST(list_items_over_the_limit_are_counted)
{
	struct span *s = span_new();
	struct bytes item;
	int n = 0;

	for (int i = 0; i < SPAN_LIST_LIMIT + 2; i++)
		span_list_add(s, "k", bytes_str("v"));
	for (u32 at = 0; !span_list_next(s, &s->attrs[0], &at, &item);)
		n++;
	CHECK_INT(n, SPAN_LIST_LIMIT);
	CHECK_INT(s->attrs_dropped, 2);
	span_free(s);
}

TEST(a_span_takes_its_own_text_although_the_arena_moves)
{
	struct span *s = span_new();
	static char big[2000];

	memset(big, 'x', sizeof(big) - 1);
	span_text(s, ATTR_URL_PATH, bytes_str(big));
	for (int i = 0; i < 5; i++)
		span_name(s, span_get_text(s, ATTR_URL_PATH));
	CHECK_TEXT(span_get_name(s), big);
	CHECK_TEXT(span_get_text(s, ATTR_URL_PATH), big);
	span_free(s);
}

TEST(an_arena_that_failed_keeps_what_it_has)
{
	struct span *s = span_new();
	struct bytes item;
	u32 at = 0;

	span_name(s, bytes_str("name"));
	span_text(s, ATTR_URL_PATH, bytes_str("/a"));
	span_list_add(s, "k", bytes_str("v"));
	s->arena.failed = true;
	span_name(s, bytes_str("other"));
	span_text(s, ATTR_URL_PATH, bytes_str("/b"));
	span_text(s, ATTR_URL_QUERY, bytes_str("q"));
	span_list_add(s, "k", bytes_str("w"));
	span_int(s, ATTR_HTTP_STATUS, 7);
	CHECK_TEXT(span_get_name(s), "name");
	CHECK_TEXT(span_get_text(s, ATTR_URL_PATH), "/a");
	CHECK(!span_find(s, ATTR_URL_QUERY));
	CHECK_INT(span_list_next(s, &s->attrs[1], &at, &item), 0);
	CHECK_INT(span_list_next(s, &s->attrs[1], &at, &item), -ENODATA);
	CHECK_INT(span_get_int(s, ATTR_HTTP_STATUS, 0), 7);
	CHECK_INT(s->attrs_dropped, 3);
	span_free(s);
}

TEST(every_attribute_has_a_name_of_its_own)
{
	for (int i = 0; i < ATTR_MAX; i++) {
		CHECK(semconv_names[i] && *semconv_names[i]);
		for (int k = 0; k < i; k++)
			CHECK(strcmp(semconv_names[i], semconv_names[k]));
	}
}

int main(int argc, char **argv)
{
	return test_main(argc, argv);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* OTLP/JSON: keys, hexadecimal ids, integers as strings, and the lines of otlp/stdout. */
#include "export/export.h"
#include "export/otlp_json.h"
#include "test.h"
#include "util/clock.h"
#include "util/stats.h"

static struct span *sample_span(u64 start)
{
	struct span *s = span_new();

	memcpy(s->trace_id, "\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff", 16);
	memcpy(s->span_id, "\x01\x02\x03\x04\x05\x06\x07\xfa", 8);
	s->kind = SPAN_CLIENT;
	s->trace_flags = 1;
	s->start = start;
	s->end = start + 1;
	span_name(s, bytes_str("GET"));
	return s;
}

static void check_json(json_t *o, const char *want)
{
	char *got = o ? json_dumps(o, JSON_COMPACT) : NULL;

	CHECK_STR(got ? got : "(none)", want);
	free(got);
	json_decref(o);
}

TEST(a_span_in_json)
{
	struct span *s = sample_span(1700000000000000000ULL);

	span_text(s, ATTR_URL_FULL, bytes_str("http://h/\"q\"\xff"));
	span_int(s, ATTR_HTTP_STATUS, 200);
	span_int(s, ATTR_CPU_TIME, -5);
	span_list_add(s, "http.request.header.x", bytes_str("a"));
	span_list_add(s, "http.request.header.x", bytes_str(""));
	check_json(otlp_json_span(s),
		   "{\"traceId\":\"00112233445566778899aabbccddeeff\","
		   "\"spanId\":\"01020304050607fa\",\"flags\":257,\"name\":\"GET\",\"kind\":3,"
		   "\"startTimeUnixNano\":\"1700000000000000000\","
		   "\"endTimeUnixNano\":\"1700000000000000001\",\"attributes\":["
		   "{\"key\":\"url.full\",\"value\":{\"stringValue\":\"http://h/\\\"q\\\"�\"}},"
		   "{\"key\":\"http.response.status_code\",\"value\":{\"intValue\":\"200\"}},"
		   "{\"key\":\"otelbpf.thread.cpu_time\",\"value\":{\"intValue\":\"-5\"}},"
		   "{\"key\":\"http.request.header.x\",\"value\":{\"arrayValue\":{\"values\":["
		   "{\"stringValue\":\"a\"},{\"stringValue\":\"\"}]}}}],\"status\":{}}");
	span_free(s);
}

TEST(a_failed_child_of_a_remote_parent_in_json)
{
	struct span *s = sample_span(1);

	s->has_parent = s->parent_remote = true;
	memcpy(s->parent_id, "\xff\0\0\0\0\0\0\x01", 8);
	s->status = STATUS_ERROR;
	s->attrs_dropped = 2;
	span_tracestate(s, bytes_str("a=b"));
	check_json(otlp_json_span(s),
		   "{\"traceId\":\"00112233445566778899aabbccddeeff\","
		   "\"spanId\":\"01020304050607fa\",\"traceState\":\"a=b\","
		   "\"parentSpanId\":\"ff00000000000001\",\"flags\":769,\"name\":\"GET\","
		   "\"kind\":3,\"startTimeUnixNano\":\"1\",\"endTimeUnixNano\":\"2\","
		   "\"attributes\":[],\"droppedAttributesCount\":2,\"status\":{\"code\":2}}");
	span_free(s);
}

TEST(a_resource_in_json)
{
	struct resource *r = resource_new(1);

	CHECK_INT(resource_set(r, "service.name", "shop"), 0);
	CHECK_INT(resource_set_number(r, "process.pid", 4711), 0);
	check_json(otlp_json_resource_spans(r),
		   "{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":"
		   "{\"stringValue\":\"shop\"}},{\"key\":\"process.pid\",\"value\":{\"intValue\":"
		   "\"4711\"}}]},\"scopeSpans\":[{\"scope\":{\"name\":\"otelbpf\",\"version\":"
		   "\"" OTELBPF_VERSION "\"},\"spans\":[],\"schemaUrl\":\"" SEMCONV_SCHEMA_URL
		   "\"}],\"schemaUrl\":\"" SEMCONV_SCHEMA_URL "\"}");
	check_json(otlp_json_resource_spans(NULL),
		   "{\"resource\":{\"attributes\":[]},\"scopeSpans\":[{\"scope\":{\"name\":"
		   "\"otelbpf\",\"version\":\"" OTELBPF_VERSION "\"},\"spans\":[],\"schemaUrl\":"
		   "\"" SEMCONV_SCHEMA_URL "\"}],\"schemaUrl\":\"" SEMCONV_SCHEMA_URL "\"}");
	resource_put(r);
}

static void give(struct exporter *x, struct resource *r, u64 start)
{
	struct span *s = sample_span(start);

	s->resource = resource_get(r);
	x->ops->span(x->self, s);
	span_free(s);
}

TEST(spans_wait_at_most_a_second_and_share_a_line_and_a_resource)
{
	struct export_config c = {0};
	struct resource *a = resource_new(1), *b = resource_new(2);
	char *text = NULL;
	size_t len = 0;
	struct exporter *x;
	json_t *line, *rs;
	u64 due;

	c.out = open_memstream(&text, &len);
	x = exporter_otlp_stdout(&c);
	CHECK_INT(x->ops->flush(x->self, clock_mono()), 0);
	give(x, a, 1);
	give(x, b, 2);
	give(x, a, 3);
	due = x->ops->flush(x->self, clock_mono());
	CHECK(due > clock_mono() && due <= clock_mono() + NS_PER_SEC);
	CHECK_INT(len, 0);
	CHECK_INT(x->ops->flush(x->self, due), 0);
	CHECK(len && text[len - 1] == '\n' && memchr(text, '\n', len) == text + len - 1);
	line = json_loadb(text, len, 0, NULL);
	rs = json_object_get(line, "resourceSpans");
	CHECK_INT(json_array_size(rs), 2);
	CHECK_INT(json_array_size(otlp_json_spans_of(json_array_get(rs, 0))), 2);
	CHECK_INT(json_array_size(otlp_json_spans_of(json_array_get(rs, 1))), 1);
	json_decref(line);
	x->ops->free(x->self);
	fclose(c.out);
	free(text);
	resource_put(a);
	resource_put(b);
}

TEST(draining_writes_what_waits)
{
	struct export_config c = {0};
	struct resource *r = resource_new(1);
	char *text = NULL;
	size_t len = 0;
	struct exporter *x;

	c.out = open_memstream(&text, &len);
	x = exporter_otlp_stdout(&c);
	give(x, r, 1);
	CHECK(x->ops->drain(x->self, clock_mono()));
	CHECK(len > 0);
	x->ops->free(x->self);
	fclose(c.out);
	free(text);
	resource_put(r);
}

TEST(spans_that_cannot_be_written_are_counted)
{
	struct export_config c = {.out = fopen("/dev/full", "w")};
	struct resource *r = resource_new(1);
	u64 before = stat_get(STAT_EXPORT_WRITE);
	struct exporter *x = exporter_otlp_stdout(&c);

	give(x, r, 1);
	give(x, r, 2);
	CHECK(x->ops->drain(x->self, clock_mono()));
	CHECK_INT(stat_get(STAT_EXPORT_WRITE) - before, 2);
	x->ops->free(x->self);
	fclose(c.out);
	resource_put(r);
}

int main(int argc, char **argv)
{
	return test_main(argc, argv);
}

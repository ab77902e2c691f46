/* SPDX-License-Identifier: Apache-2.0 */
/* The OTLP exporter's environment variables. */
#include "export/env.h"
#include "test.h"

/* "NAME=value" strings, ended by NULL. */
static const char *const *environment;
static char err[512];

static const char *fake_getenv(const char *name)
{
	size_t n = strlen(name);

	for (const char *const *e = environment; *e; e++)
		if (!strncmp(*e, name, n) && (*e)[n] == '=')
			return *e + n + 1;
	return NULL;
}

static int read_env(struct export_config *c, const char *const *env)
{
	*c = (struct export_config){0};
	environment = env;
	return export_config_from_env(c, fake_getenv, err, sizeof(err));
}

#define ENV(...) ((const char *const[]){__VA_ARGS__, NULL})

TEST(endpoints_become_the_url_to_post_to)
{
	static const struct {
		const char *traces, *generic, *url;
	} cases[] = {
		{NULL, "http://h:4318", "http://h:4318/v1/traces"},
		{NULL, "http://h:4318/", "http://h:4318/v1/traces"},
		{NULL, "http://h:4318/my", "http://h:4318/my/v1/traces"},
		{NULL, "http://h:4318/my/", "http://h:4318/my/v1/traces"},
		{NULL, "https://h", "https://h/v1/traces"},
		{NULL, "HTTPS://h/x?key=1#frag", "HTTPS://h/x/v1/traces?key=1"},
		{"http://h:4318", NULL, "http://h:4318/"},
		{"http://h:4318?a=/b", NULL, "http://h:4318/?a=/b"},
		{"http://h:4318/x", "http://other", "http://h:4318/x"},
		{"http://h:4318/x/", "http://other", "http://h:4318/x/"},
		{"", "http://h", "http://h/v1/traces"},
		{NULL, "http://[::1]:4318", "http://[::1]:4318/v1/traces"},
		{NULL, "http://user:pw@h:4318", "http://user:pw@h:4318/v1/traces"},
	};

	for (size_t i = 0; i < array_size(cases); i++) {
		char *url = export_endpoint(cases[i].traces, cases[i].generic, err, sizeof(err));

		CHECK_STR(url ? url : err, cases[i].url);
		free(url);
	}
	CHECK(!export_endpoint(NULL, NULL, err, sizeof(err)) && !err[0]);
	CHECK(!export_endpoint("", "", err, sizeof(err)) && !err[0]);
}

TEST(endpoints_that_cannot_work_say_why)
{
	static const struct {
		const char *traces, *generic, *part;
	} cases[] = {
		{NULL, "localhost:4318", "OTEL_EXPORTER_OTLP_ENDPOINT must begin with http://"},
		{"h", "http://h", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT must begin"},
		{NULL, "ftp://h", "must begin with http://"},
		{NULL, "grpc://h:4317", "must begin with http://"},
		{NULL, "http://", "is not a URL"},
		{NULL, "http://h:99999", "is not a URL"},
		{NULL, "http://h:x", "is not a URL"},
		{NULL, "http://a b/", "is not a URL"},
		{NULL, "http://h\r\nX: y/", "is not a URL"},
		{NULL, "http://localhost:4317", "4317"},
		{NULL, "http://localhost:4317",
		 "is OTLP/gRPC, which otelbpf does not speak yet: use port 4318 (OTLP/HTTP)"},
		{"http://u:secret@h:4317/x", NULL, "4317"},
	};

	for (size_t i = 0; i < array_size(cases); i++) {
		char *url = export_endpoint(cases[i].traces, cases[i].generic, err, sizeof(err));

		if (url || !strstr(err, cases[i].part))
			printf("  case %zu: %s\n", i, url ? url : err);
		CHECK(!url && strstr(err, cases[i].part));
		CHECK(!strstr(err, "secret"));
		free(url);
	}
}

TEST(without_variables_there_are_defaults_and_no_endpoint)
{
	struct export_config c;

	CHECK_INT(read_env(&c, ENV("HOME=/")), 0);
	CHECK(!c.endpoint);
	CHECK_INT(c.header_count, 0);
	CHECK_INT(c.schedule_delay_ms, 1000);
	CHECK_INT(c.export_timeout_ms, 10000);
	CHECK_INT(c.batch_spans, 512);
	CHECK_STR(err, "");
	export_config_done(&c);
}

TEST(numbers_are_read)
{
	struct export_config c;

	CHECK_INT(read_env(&c, ENV("OTEL_EXPORTER_OTLP_TIMEOUT=0", "OTEL_BSP_SCHEDULE_DELAY= 250 ",
				   "OTEL_BSP_MAX_EXPORT_BATCH_SIZE=7")),
		  0);
	CHECK_INT(c.export_timeout_ms, 0);
	CHECK_INT(c.schedule_delay_ms, 250);
	CHECK_INT(c.batch_spans, 7);
	CHECK_STR(err, "");
	CHECK_INT(read_env(&c,
			   ENV("OTEL_EXPORTER_OTLP_TIMEOUT=5",
			       "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT=6", "OTEL_BSP_SCHEDULE_DELAY=")),
		  0);
	CHECK_INT(c.export_timeout_ms, 6);
	CHECK_INT(c.schedule_delay_ms, 1000);
}

TEST(bad_numbers_count_as_unset_with_a_warning)
{
	static const char *const bad[] = {"-1", "1s", "0x10", "1.5", "99999999999", "2147483648"};
	struct export_config c;

	for (size_t i = 0; i < array_size(bad); i++) {
		char delay[64];

		snprintf(delay, sizeof(delay), "OTEL_BSP_SCHEDULE_DELAY=%s", bad[i]);
		CHECK_INT(read_env(&c, ENV(delay)), 0);
		CHECK_INT(c.schedule_delay_ms, 1000);
		CHECK(strstr(err, delay) != NULL);
	}
	CHECK_INT(read_env(&c, ENV("OTEL_BSP_MAX_EXPORT_BATCH_SIZE=0",
				   "OTEL_EXPORTER_OTLP_TIMEOUT=never")),
		  0);
	CHECK_INT(c.batch_spans, 512);
	CHECK_INT(c.export_timeout_ms, 10000);
	CHECK(strstr(err, "OTEL_EXPORTER_OTLP_TIMEOUT=never is not a number") != NULL);
	CHECK(strstr(err, "; OTEL_BSP_MAX_EXPORT_BATCH_SIZE=0 is not") != NULL);
}

static void check_headers(const char *variable, const char *const *want)
{
	struct export_config c;
	size_t n = 0;

	CHECK_INT(read_env(&c, ENV(variable)), 0);
	for (; want[n]; n++)
		CHECK_STR(n < c.header_count ? c.headers[n] : err, want[n]);
	CHECK_INT(c.header_count, n);
	export_config_done(&c);
}

#define HEADERS "OTEL_EXPORTER_OTLP_HEADERS="

TEST(headers_are_read_leniently)
{
	check_headers(HEADERS "a=1,b=2", ENV("a: 1", "b: 2"));
	check_headers(HEADERS " a = 1 \t,, b=2,", ENV("a: 1", "b: 2"));
	check_headers(HEADERS "x-sentry-auth=sentry sentry_key=abc",
		      ENV("x-sentry-auth: sentry sentry_key=abc"));
	check_headers(HEADERS "Authorization=Basic%20dXNlcjpwdw==",
		      ENV("Authorization: Basic dXNlcjpwdw=="));
	check_headers(HEADERS "a=100%,b=%zz,c=%2,d=%2C", ENV("a: 100%", "b: %zz", "c: %2", "d: ,"));
	check_headers(HEADERS "a=v;meta=1", ENV("a: v;meta=1"));
	check_headers(HEADERS "empty=", ENV("empty;"));
	check_headers(HEADERS "u=%C3%BC", ENV("u: ü"));
}

TEST(the_traces_form_replaces_the_generic_headers)
{
	struct export_config c;

	CHECK_INT(read_env(&c, ENV(HEADERS "a=1,b=2", "OTEL_EXPORTER_OTLP_TRACES_HEADERS=c=3")), 0);
	CHECK_INT(c.header_count, 1);
	CHECK_STR(c.headers[0], "c: 3");
	export_config_done(&c);
}

TEST(headers_cannot_inject_others_and_secrets_are_not_repeated)
{
	static const char *const bad[] = {
		HEADERS "ok=1,secret",
		HEADERS "a=secret%0d%0aX: y",
		HEADERS "a=secret%0AX: y",
		HEADERS "a=secret\nX: y",
		HEADERS "a=secret%00",
		HEADERS "a b=secret",
		HEADERS "=secret",
		HEADERS "a:=secret",
		HEADERS "a\n=secret",
		HEADERS "Content-Type=secret",
		HEADERS "content-length=secret0",
	};
	struct export_config c;

	for (size_t i = 0; i < array_size(bad); i++) {
		CHECK_INT(read_env(&c, ENV("OTEL_EXPORTER_OTLP_ENDPOINT=http://h", bad[i])),
			  -EINVAL);
		CHECK(strstr(err, "OTEL_EXPORTER_OTLP_HEADERS") != NULL);
		CHECK(!strstr(err, "secret"));
		CHECK(!c.endpoint && !c.headers && !c.header_count);
	}
}

TEST(only_http_protobuf_is_spoken)
{
	struct export_config c;

	CHECK_INT(read_env(&c, ENV("OTEL_EXPORTER_OTLP_ENDPOINT=http://h",
				   "OTEL_EXPORTER_OTLP_PROTOCOL=HTTP/protobuf")),
		  0);
	CHECK_STR(c.endpoint, "http://h/v1/traces");
	export_config_done(&c);
	CHECK_INT(read_env(&c, ENV("OTEL_EXPORTER_OTLP_ENDPOINT=http://h",
				   "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf",
				   "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=grpc")),
		  -EINVAL);
	CHECK(strstr(err, "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=grpc") != NULL);
	CHECK(!c.endpoint);
	/* Who exports nothing by OTLP is not stopped by it. */
	CHECK_INT(read_env(&c, ENV("OTEL_EXPORTER_OTLP_PROTOCOL=grpc")), 0);
	CHECK_INT(export_check_protocol(fake_getenv, err, sizeof(err)), -EINVAL);
}

TEST(what_has_no_effect_yet_is_said)
{
	struct export_config c;

	CHECK_INT(read_env(&c, ENV("OTEL_EXPORTER_OTLP_COMPRESSION=gzip",
				   "OTEL_EXPORTER_OTLP_CERTIFICATE=/x")),
		  0);
	CHECK(strstr(err, "OTEL_EXPORTER_OTLP_COMPRESSION=gzip is not supported yet") != NULL);
	CHECK(strstr(err, "OTEL_EXPORTER_OTLP_CERTIFICATE is not supported yet") != NULL);
	CHECK_INT(read_env(&c, ENV("OTEL_EXPORTER_OTLP_COMPRESSION=none")), 0);
	CHECK_STR(err, "");
}

TEST(a_report_that_is_too_long_is_cut)
{
	static const char *const env[] = {"OTEL_BSP_SCHEDULE_DELAY=x",
					  "OTEL_EXPORTER_OTLP_TIMEOUT=y", NULL};

	environment = env;
	for (size_t n = 1; n < 200; n++) {
		struct export_config c = {0};
		char *small = malloc(n);

		CHECK_INT(export_config_from_env(&c, fake_getenv, small, n), 0);
		CHECK(strlen(small) < n);
		free(small);
	}
}

int main(int argc, char **argv)
{
	return test_main(argc, argv);
}

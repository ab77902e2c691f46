/* SPDX-License-Identifier: Apache-2.0 */
/* The OTLP exporter's environment variables, by OpenTelemetry's rules: pure functions. */
#ifndef EXPORT_ENV_H
#define EXPORT_ENV_H

#include "export/export.h"

/* Where OTLP goes when it is asked for and no endpoint is set. */
#define EXPORT_DEFAULT_ENDPOINT "http://localhost:4318/v1/traces"

typedef const char *(*export_getenv)(const char *name);

/*
 * Fills endpoint, headers, export_timeout_ms, schedule_delay_ms and batch_spans of c (the rest is
 * left alone; endpoint and headers must be NULL before). endpoint stays NULL when the environment
 * names none.
 *
 * 0: err is empty, or holds a warning about variables that were ignored.
 * -EINVAL, -ENOMEM: err says which variable is wrong; c holds nothing new that is owned.
 * Errors concern only who exports by OTLP/HTTP.
 */
must_check int export_config_from_env(struct export_config *c, export_getenv env, char *err,
				      size_t err_len);

/*
 * The URL to post traces to, for the caller to free, from OTEL_EXPORTER_OTLP_TRACES_ENDPOINT (taken
 * as it is) and OTEL_EXPORTER_OTLP_ENDPOINT (a base). Either may be NULL or empty. NULL with err
 * empty: none is set; NULL with err: why not. Passwords are not repeated in err.
 */
char *export_endpoint(const char *traces, const char *generic, char *err, size_t err_len);

/*
 * -EINVAL with err when the environment asks for another protocol than http/protobuf. Already part
 * of export_config_from_env when an endpoint is set; for the default endpoint, call it.
 */
must_check int export_check_protocol(export_getenv env, char *err, size_t err_len);

#endif

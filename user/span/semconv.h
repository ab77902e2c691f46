/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every name that otelbpf gives to a span or resource attribute, in one place.
 * OpenTelemetry semantic conventions 1.44.0; names beginning "otelbpf." are our own.
 */
#ifndef SPAN_SEMCONV_H
#define SPAN_SEMCONV_H

#define SEMCONV_SCHEMA_URL "https://opentelemetry.io/schemas/1.44.0"
#define SEMCONV_SCOPE_NAME "otelbpf"

/* X(enumerator, name) */
#define SPAN_ATTRS(X)                                                                              \
	X(HTTP_METHOD, "http.request.method")                                                      \
	X(HTTP_METHOD_ORIGINAL, "http.request.method_original")                                    \
	X(HTTP_STATUS, "http.response.status_code")                                                \
	X(HTTP_ROUTE, "http.route")                                                                \
	X(URL_PATH, "url.path")                                                                    \
	X(URL_QUERY, "url.query")                                                                  \
	X(URL_SCHEME, "url.scheme")                                                                \
	X(URL_FULL, "url.full")                                                                    \
	X(SERVER_ADDRESS, "server.address")                                                        \
	X(SERVER_PORT, "server.port")                                                              \
	X(CLIENT_ADDRESS, "client.address")                                                        \
	X(PEER_ADDRESS, "network.peer.address")                                                    \
	X(PEER_PORT, "network.peer.port")                                                          \
	X(PROTOCOL_VERSION, "network.protocol.version")                                            \
	X(NETWORK_TRANSPORT, "network.transport")                                                  \
	X(USER_AGENT, "user_agent.original")                                                       \
	X(ERROR_TYPE, "error.type")                                                                \
	X(PARENT_SOURCE, "otelbpf.parent.source")                                                  \
	X(ROUTE_SOURCE, "otelbpf.route.source")                                                    \
	X(CPU_TIME, "otelbpf.thread.cpu_time")                                                     \
	X(CPU_WAIT, "otelbpf.thread.cpu_wait")                                                     \
	X(READ_WAIT, "otelbpf.server.read_wait")

/*
 * otelbpf.parent.source   string  which evidence gave the parent: carried
 * otelbpf.route.source    string  guess (the path template) or pattern (--route)
 * otelbpf.thread.cpu_time int     ns on a CPU of the thread, from reading the request to the last
 *                                 byte of the response; only when one thread did both
 * otelbpf.thread.cpu_wait int     ns that thread waited for a CPU in that time
 * otelbpf.server.read_wait int    ns from the request's arrival at the socket until it was read
 */

enum span_attr_id {
#define X(id, name) ATTR_##id,
	SPAN_ATTRS(X)
#undef X
	ATTR_MAX
};

/* Their names, by enum span_attr_id. */
extern const char *const semconv_names[ATTR_MAX];

#endif

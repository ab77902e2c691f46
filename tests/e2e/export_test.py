#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""OTLP/HTTP to a real endpoint: the same spans, in time, with its headers, again after an error."""
import time

import client
import servers
from harness import OTELBPF, Bench, environment, free_port, main, test, wait_until
from otlp_sink import Sink
from spans import KINDS, check_spans, expect, expect_that

PLAIN = ("SERVER", "plain")


def exported(ids=("a",), replies=(), path="", headers="", seconds=20):
    """Spans of requests with these ids, sent to a sink: (the sink's requests, its spans, Result)."""
    sink = Sink(replies=replies)
    try:
        with Bench() as bench:
            server = servers.plain(bench)
            env = environment(OTEL_EXPORTER_OTLP_ENDPOINT=sink.url + path,
                              OTEL_EXPORTER_OTLP_HEADERS=headers)
            agent = bench.trace(server, json_output=False, env=env)
            client.crowd(server.address, list(ids), min(8, len(ids)), "/orders/17?id={}")
            begin = time.monotonic()
            arrived = sink.wait_for_spans(len(ids), seconds)
            took = time.monotonic() - begin
            result = agent.stop()
        expect_that(arrived, f"{len(sink.spans())} of {len(ids)} spans came in {seconds} s; "
                    f"{result.stderr}")
        result.took = took
        return sink.requests, sink.spans(), result
    finally:
        sink.close()


def id_of(span):
    return span["attributes"]["url.query"].split("=")[1]


@test("200 spans arrive at the endpoint within 2 s, each once, with all that they have")
def arrive():
    ids = [f"a{n}" for n in range(200)]
    requests, spans, result = exported(ids)
    expect("ids", sorted(ids), sorted(id_of(s) for s in spans))
    expect_that(result.took <= 2, f"it took {result.took:.2f} s")
    expect("path", {"/v1/traces"}, {r["path"] for r in requests})
    expect("content type", {"application/x-protobuf"}, {r["headers"]["content-type"] for r in requests})
    expect_that(requests[0]["headers"]["user-agent"].startswith("otelbpf/"), str(requests[0]["headers"]))
    span = spans[0]
    expect("name, kind, service, scope, schema",
           ("GET /orders/{id}", 2, "plain", "otelbpf", "https://opentelemetry.io/schemas/1.44.0"),
           (span["name"], span["kind"], span["resource"]["service.name"], span["scope"]["name"],
            span["schema_url"]))
    expect("span ids", 200, len({s["span_id"] for s in spans}))
    expect("a root's parent", None, span.get("parent_span_id"))
    expect("exported, standard output", (200, ""), (result.counter("export.sent"), result.stdout))
    result.check_clean()


@test("otlp and otlp/stdout together give the same spans")
def both():
    sink = Sink()
    with Bench() as bench:
        server = servers.plain(bench)
        agent = bench.trace(server, args=["--output", "otlp,otlp/stdout"],
                            env=environment(OTEL_EXPORTER_OTLP_ENDPOINT=sink.url))
        ids = [f"a{n}" for n in range(40)]
        client.crowd(server.address, ids, 4)
        result = agent.stop()
    sent = sink.spans()
    sink.close()
    result.check_clean()
    check_spans(result.spans, {i: {PLAIN: 200} for i in ids})

    def both_ways(name, start, end, span, attrs):
        return (name, start, end, span, tuple(sorted((k, str(v)) for k, v in attrs.items())))

    expect("spans", sorted(both_ways(s.name, s.start, s.end, s.span_id, s.attrs) for s in result.spans),
           sorted(both_ways(s["name"], s["start"], s["end"], s["span_id"], s["attributes"])
                  for s in sent))


@test("the endpoint's path and the headers are used; their values may be encoded")
def path_and_headers():
    requests, _, result = exported(path="/tenant/", headers="x-api-key=se%20cret,x-sentry-auth=a b=c")
    expect("path", "/tenant/v1/traces", requests[0]["path"])
    expect("headers", ("se cret", "a b=c"), tuple(requests[0]["headers"].get(k) for k in
                                                  ("x-api-key", "x-sentry-auth")))
    expect_that("cret" not in result.stderr, "a secret is in the messages")


@test("the signal's own endpoint is used as it is")
def own_endpoint():
    sink = Sink()
    with Bench() as bench:
        server = servers.plain(bench)
        agent = bench.trace(server, json_output=False, env=environment(
            OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=sink.url + "/mine",
            OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:1/"))
        client.ask(server.address, "/ok?id=a")
        expect_that(sink.wait_for_spans(1, 10), "no span came")
        agent.stop()
    expect("path", "/mine", sink.requests[0]["path"])
    sink.close()


@test("after 503, 429 with Retry-After, or a connection that is closed, the same spans are sent again")
def retry():
    for replies in (["503", "429:1"], ["close"]):
        requests, spans, result = exported(replies=replies)
        expect("replies", [*replies, "ok"], [r["reply"] for r in requests])
        expect("the same request each time", 1, len({r["body"] for r in requests}))
        expect("spans", ["a"], [id_of(s) for s in spans])
        expect("retries", len(replies), result.counter("export.retries"))
        result.check_clean()


@test("after 400 and 500 nothing is sent again, and the loss is counted and told")
def final():
    for reply in ("400", "500"):
        sink = Sink(replies=[reply])
        with Bench() as bench:
            server = servers.plain(bench)
            agent = bench.trace(server, json_output=False,
                                env=environment(OTEL_EXPORTER_OTLP_ENDPOINT=sink.url))
            client.ask(server.address, "/ok?id=a")
            wait_until(lambda: sink.requests, "a request", 10)
            time.sleep(1.5)
            client.ask(server.address, "/ok?id=b")
            expect_that(sink.wait_for_spans(1, 10), "the next span did not come")
            result = agent.stop()
        expect("replies", [reply, "ok"], [r["reply"] for r in sink.requests])
        expect("failed, sent", (1, 1), (result.counter("export.failed"), result.counter("export.sent")))
        expect_that("otelbpf: lost: export.failed = 1" in result.stderr, result.stderr)
        sink.close()


@test("a backend that comes back after 3 s gets everything from before")
def backend_comes_back():
    port = free_port()
    with Bench() as bench:
        server = servers.plain(bench)
        agent = bench.trace(server, json_output=False, env=environment(
            OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{port}"))
        ids = [f"a{n}" for n in range(30)]
        client.crowd(server.address, ids, 3, "/ok?id={}")
        time.sleep(3)
        sink = Sink(port=port)
        arrived = sink.wait_for_spans(30, 20)
        result = agent.stop()
    expect_that(arrived, f"{len(sink.spans())} of 30 spans came")
    expect("ids", sorted(ids), sorted(id_of(s) for s in sink.spans()))
    result.check_clean()
    sink.close()


@test("a backend that never answers does not keep otelbpf from ending, and what is lost is counted")
def backend_is_gone():
    with Bench() as bench:
        server = servers.plain(bench)
        agent = bench.trace(server, json_output=False, env=environment(
            OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{free_port()}"))
        client.ask(server.address, "/ok?id=a")
        time.sleep(0.5)
        begin = time.monotonic()
        result = agent.stop()
        took = time.monotonic() - begin
    expect_that(took < 15, f"otelbpf took {took:.1f} s to end")
    expect("exit status, failed", (0, 1), (result.status, result.counter("export.failed")))
    expect_that("otelbpf: lost: export.failed = 1" in result.stderr, result.stderr)


@test("an endpoint on port 4317: one line that names 4318, exit status 2")
def grpc_port():
    with Bench() as bench:
        run = bench.otelbpf("--pid", "1", env=environment(
            OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:4317"))
    expect("exit status", 2, run.returncode)
    expect_that(len(run.stderr.splitlines()) == 1 and "4318" in run.stderr, run.stderr)


@test("otelbpf does not trace its own export when it is a child of what it traces")
def own_export():
    sink = Sink()
    with Bench() as bench:
        server = servers.plain(bench)
        # The shell is traced with its children, and otelbpf is one of them.
        shell = ["sh", "-c", f'"$@" --pid $$,{server.pid}', "sh", OTELBPF]
        agent = bench.agent("--duration", "3", json_output=False, program=shell,
                            env=environment(OTEL_EXPORTER_OTLP_ENDPOINT=sink.url))
        client.ask(server.address, "/ok?id=a")
        result = agent.wait_end()
    expect("spans", [("SERVER", "/ok")], [
        (KINDS[s["kind"]], s["attributes"].get("url.path", s["attributes"].get("url.full")))
        for s in sink.spans()])
    result.check_clean()
    sink.close()


if __name__ == "__main__":
    main()

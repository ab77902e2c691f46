#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Names and attributes of spans and resources, as the semantic conventions want them."""
import os
import re
import socket
import subprocess

import client
import servers
from harness import OTELBPF, Bench, environment, main, test
from spans import ERROR, UNSET, expect, expect_that, one, parse_spans, short

SCHEMA = "https://opentelemetry.io/schemas/1.44.0"


def traced(requests, args=()):
    """[(target, more)] asked of http.server: [(Answer, Span)]. Each target has an id of its own."""
    with Bench() as bench:
        server = servers.plain(bench)
        agent = bench.trace(server, args=args)
        answers = [client.ask(server.address, target, **more) for target, more in requests]
        result = agent.stop()
    result.check_clean()
    ids = [re.search(r"id[=/](\w+)", target).group(1) for target, _ in requests]
    return [(a, one(result.spans, i)) for i, a in zip(ids, answers)], server, result


def has(span, **want):
    """Attributes by their names; None: not there."""
    got = {name: span.attrs.get(name) for name in want}
    expect(f"attributes of {span!r}", want, got)


@test("a server span has the attributes of the conventions, and no other")
def server_span():
    [(_, span)], server, _ = traced([("/orders/8731?id=a&color=red", {
        "headers": [("Host", "shop.example:8443"), ("User-Agent", "agent/1.0")]})])
    expect("name and kind", ("GET /orders/{id}", "SERVER"), (span.name, span.kind))
    want = {
        "http.request.method": "GET", "http.response.status_code": 200, "url.path": "/orders/8731",
        "url.query": "id=a&color=red", "url.scheme": "http", "http.route": "/orders/{id}",
        "otelbpf.route.source": "guess", "server.address": "shop.example", "server.port": 8443,
        "client.address": "127.0.0.1", "network.peer.address": "127.0.0.1",
        "network.protocol.version": "1.1", "user_agent.original": "agent/1.0"}
    has(span, **want)
    rest = set(span.attrs) - set(want) - {"network.peer.port", "otelbpf.thread.cpu_time",
                                          "otelbpf.thread.cpu_wait", "otelbpf.server.read_wait"}
    expect("further attributes", set(), rest)
    expect_that(1024 <= span.attrs["network.peer.port"] != server.address[1], repr(span.attrs))
    expect("status", UNSET, span.status)
    expect("parent, and the flag that says it is remote", ("", 0), (span.parent, span.flags & 0x200))


@test("scope, schema and resource describe the traced process")
def resource():
    with Bench() as bench:
        server = servers.plain(bench, service="corner-shop")
        agent = bench.trace(server)
        client.ask(server.address, "/ok?id=a")
        result = agent.stop()
    span = one(result.spans, "a")
    expect("schema URL", SCHEMA, span.scope["schemaUrl"])
    expect("scope", "otelbpf", span.scope["scope"]["name"])
    expect("name, pid, executable", ("corner-shop", server.pid, os.path.realpath("/usr/bin/python3")),
           tuple(span.resource.get(k) for k in ("service.name", "process.pid",
                                                "process.executable.path")))
    expect("distribution, host", ("otelbpf", socket.gethostname()),
           (span.resource.get("telemetry.distro.name"), span.resource.get("host.name")))


@test("without OTEL_SERVICE_NAME a service is what a person would call it")
def service_names():
    with Bench() as bench:
        port = servers.free_port()
        process = bench.start([servers.PYTHON, "-m", "http.server", str(port), "--bind", "127.0.0.1",
                               "--directory", bench.folder], env=environment(),
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        module = servers.Server(process, ("127.0.0.1", port), "").wait_ready()
        front = servers.nginx(bench)
        app = servers.gunicorn(bench, service="")
        agent = bench.trace(module, front, app)
        client.ask(module.address, "/?id=module")
        client.ask(front.address, "/?id=nginx")
        client.ask(app.address, "/?id=app")
        result = agent.stop()
    got = {s.id: s.service for s in result.spans}
    expect("names", {"module": "http.server", "nginx": "nginx", "app": "shop"}, got)


@test("forwarding headers name the client, the host and the scheme that the client used")
def forwarded():
    pairs, _, _ = traced([
        ("/ok?id=a", {"headers": [("X-Forwarded-For", "203.0.113.7, 10.0.0.1"),
                                  ("X-Forwarded-Proto", "https"),
                                  ("X-Forwarded-Host", "www.example.com")]}),
        ("/ok?id=b", {"headers": [("Forwarded", 'for="[2001:db8::1]:4711";proto=https;host=a.example')]}),
    ])
    has(pairs[0][1], **{"client.address": "203.0.113.7", "url.scheme": "https",
                        "server.address": "www.example.com", "network.peer.address": "127.0.0.1"})
    has(pairs[1][1], **{"client.address": "2001:db8::1", "url.scheme": "https",
                        "server.address": "a.example"})


@test("secrets in a query do not leave the machine")
def redacted():
    pairs, _, result = traced([("/ok?id=a&sig=topsecret&X-Amz-Signature=topsecret&b=1", {
        "headers": [("Authorization", "Bearer topsecret"), ("Cookie", "session=topsecret")]})])
    has(pairs[0][1], **{"url.query": "id=a&sig=REDACTED&X-Amz-Signature=REDACTED&b=1"})
    expect_that("topsecret" not in result.stdout, "a secret is in the spans")


@test("--header captures what is listed and nothing else")
def headers():
    pairs, _, _ = traced([("/ok?id=a", {"headers": [("X-Request-Id", "r-17"), ("X-Other", "no")]})],
                         ["--header", "x-request-id", "--header", "X-App", "--header", "x-not-there"])
    got = {k: v for k, v in pairs[0][1].attrs.items() if ".header." in k}
    expect("headers", {"http.request.header.x-request-id": ["r-17"],
                       "http.response.header.x-app": ["shop"]}, got)


@test("--ignore leaves out health checks, and counts them")
def ignored():
    with Bench() as bench:
        server = servers.plain(bench)
        agent = bench.trace(server, args=["--ignore", "/healthz", "--ignore", "/internal/**"])
        for n in range(5):
            for path in ("/healthz", "/internal/a/b", "/healthz/deep", "/shop"):
                client.ask(server.address, f"{path}?id={n}{path.strip('/').replace('/', '-')}")
        result = agent.stop()
    result.check_clean()
    expect("paths with spans", {"/healthz/deep", "/shop"}, {s.attrs["url.path"] for s in result.spans})
    expect("spans, ignored", (10, 10), (len(result.spans), result.counter("proto.ignored")))


@test("--route beats the guess, the most specific one wins, and says so")
def routes():
    args = ["--route", "/shops/{shop}/items/*", "--route", "/shops/**", "--route", "/shops/best"]
    pairs, _, _ = traced([("/shops/best?id=a", {}), ("/shops/17/items/18?id=b", {}),
                          ("/shops/17/18/19?id=c", {}), ("/other/17?id=d", {})], args)
    got = [(s.name, s.attrs.get("otelbpf.route.source")) for _, s in pairs]
    expect("names", [("GET /shops/best", "pattern"), ("GET /shops/{shop}/items/*", "pattern"),
                     ("GET /shops/**", "pattern"), ("GET /other/{id}", "guess")], got)


@test("routes are guessed from paths: numbers, UUIDs and hashes become places; or not, when off")
def guesses():
    paths = {"/orders/8731": "/orders/{id}", "/": "/", "/static/app.css": "/static/app.css",
             "/u/123e4567-e89b-12d3-a456-426614174000/edit": "/u/{uuid}/edit",
             "/blob/9f86d081884c7d659a2feaa0c55ad015a3bf4f1b": "/blob/{hash}", "/api/v2/me": "/api/v2/me"}
    asked = [(f"{path}?id={n}", {}) for n, path in enumerate(paths)]
    pairs, _, _ = traced(asked)
    expect("routes", list(paths.values()), [s.attrs.get("http.route") for _, s in pairs])
    pairs, _, _ = traced(asked, ["--route-guess", "off"])
    expect("names without guesses", [("GET", None)] * len(paths),
           [(s.name, s.attrs.get("http.route")) for _, s in pairs])


@test("a client span has the attributes of the conventions; 404 is an error there and not of a server")
def client_span():
    with Bench() as bench:
        server = servers.plain(bench)
        agent = bench.trace(server)
        out = bench.path("client.out")
        with open(out, "wb") as f:
            bench.run(["sh", "-c", f'exec "$@" >{out}', "sh", OTELBPF, "-o", "otlp/stdout", "--", "curl",
                       "-s", "-u", "me:topsecret", "-A", "agent/1.0", "-o", os.devnull,
                       "http://127.0.0.1:%d/status/404?id=a&sig=topsecret" % server.address[1]])
        served = one(agent.stop().spans, "a")
        with open(out, encoding="utf-8") as f:
            text = f.read()
    span = one(parse_spans(text), "a", "CLIENT")
    port = server.address[1]
    expect("name", "GET", span.name)
    want = {"http.request.method": "GET", "http.response.status_code": 404,
            "url.full": f"http://127.0.0.1:{port}/status/404?id=a&sig=REDACTED",
            "server.address": "127.0.0.1", "server.port": port, "error.type": "404",
            "network.peer.address": "127.0.0.1", "network.peer.port": port,
            "network.protocol.version": "1.1"}
    has(span, **want)
    expect("further attributes", set(), set(span.attrs) - set(want))
    expect("status of client and server", (ERROR, UNSET), (span.status, served.status))
    expect("error.type of the server", None, served.attrs.get("error.type"))
    expect_that("topsecret" not in text, f"a secret is in the span: {short(text)}")


@test("over IPv6 and Unix sockets the peer is what it is")
def peers():
    with Bench() as bench:
        six = servers.plain(bench, where="[::1]", service="six")
        local = servers.plain(bench, where=bench.path("plain.sock"), service="local")
        agent = bench.trace(six, local)
        client.ask(six.address, "/ok?id=six")
        client.ask(local.address, "/ok?id=local")
        result = agent.stop()
    result.check_clean()
    has(one(result.spans, "six"), **{"network.peer.address": "::1", "client.address": "::1",
                                     "server.address": "::1", "server.port": six.address[1]})
    has(one(result.spans, "local"), **{"network.transport": "unix", "network.peer.address": None,
                                       "server.address": "localhost"})


if __name__ == "__main__":
    main()

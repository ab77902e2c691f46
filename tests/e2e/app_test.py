#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Python's own servers: gunicorn sync and gthread, http.server. What a request may look like, and
what may become of it."""
import os
import sys
import time

import client
import servers
from harness import main, test
from session import Session, scenario
from spans import ERROR, MS, UNSET, expect, expect_that

ALL, KEPT = ("closed", "kept"), ("kept",)
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@scenario("GET, HEAD, PUT, DELETE, OPTIONS and PATCH are named by their method", *ALL)
def methods(x):
    answers = [(m, x.ask("/ok", m)) for m in ("GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH")]
    yield
    for method, answer in answers:
        span = x.one(answer)
        expect("method", method, span.attrs["http.request.method"])
        expect("name", f"{method} /ok", span.name)
        expect("http.request.method_original", None, span.attrs.get("http.request.method_original"))


@scenario("an unknown method is _OTHER, its span HTTP", *ALL)
def propfind(x):
    answer = x.ask("/ok", "PROPFIND")
    yield
    span = x.one(answer)
    expect("method", ("_OTHER", "PROPFIND"), (span.attrs["http.request.method"],
                                              span.attrs["http.request.method_original"]))
    expect("name", "HTTP /ok", span.name)


@scenario("bodies of 10 B, 1 MB and in chunks are received whole and are one span each", *ALL)
def bodies(x):
    for body in (b"", b"0123456789", b"0123456789abcdef" * 65536, [b"one", b"two" * 9000, b"3"],
                 [b"x" * 100000] * 10):
        x.ask("/echo", "POST", body=body)
    yield


@scenario("204, 304, 301 and 302 are no errors, 404 is none of a server, 500 and 503 are", *ALL)
def statuses(x):
    answers = [x.ask(f"/status/{code}") for code in (204, 304, 301, 302, 404, 418, 500, 503)]
    yield
    for answer in answers:
        span, bad = x.one(answer), answer.status >= 500
        expect(f"status and error.type of {answer.status}",
               (ERROR, str(answer.status)) if bad else (UNSET, None),
               (span.status, span.attrs.get("error.type")))


@scenario("a body streamed over 200 ms in 10 chunks is a span of 200 ms", *ALL)
def stream(x):
    answers = [x.ask("/stream"), x.ask("/stream", version="1.0")]
    yield
    for answer in answers:
        span = x.one(answer)
        expect_that(200 * MS <= span.duration <= answer.end - answer.begin + MS,
                    f"expected 200 ms to {(answer.end - answer.begin) / MS:.1f} ms (what the client "
                    f"saw), got {span.duration / MS:.1f} ms")


@scenario("a body of 400 sends is one span", *ALL)
def many_sends(x):
    answer = x.ask("/many?n=400")
    yield
    expect("bytes", 8000, len(answer.body))
    expect_that(x.one(answer).duration >= 300 * MS, f"{x.one(answer).duration / MS} ms")


@scenario("a request sent byte by byte is one span", *ALL)
def byte_by_byte(x):
    target, id_ = x.target("/echo")
    connection, begin = x.connect(), time.time_ns()
    for byte in connection.request(target, "POST", body=b"0123456789"):
        connection.send(bytes([byte]))
        time.sleep(0.0005)
    x.note(id_, connection.read(begin=begin))
    connection.close()
    yield


@scenario("head and body sent apart, and body parts far apart, are one span", *ALL)
def body_apart(x):
    target, id_ = x.target("/echo")
    connection, begin = x.connect(), time.time_ns()
    data = connection.request(target, "POST", body=b"0123456789" * 3)
    for part in (data[:-30], data[-30:-20], data[-20:]):
        connection.send(part)
        time.sleep(0.03)
    answer = x.note(id_, connection.read(begin=begin))
    connection.close()
    yield
    expect_that(x.one(answer).duration >= 60 * MS, f"{x.one(answer).duration / MS} ms")


@scenario("targets of 300 B, 4 kB and 8 kB are kept, and their requests found", *ALL)
def long_targets(x):
    answers = []
    for size in (300, 4000, 8000):
        filler = "a" * size
        answers.append((filler, x.ask(f"/ok?id=FIRST&filler={filler}".replace("id=FIRST&", ""))))
        answers.append((filler, x.ask("/ok", headers=[("Referer", "/" + filler)])))
    yield
    for filler, answer in answers[::2]:
        query = x.one(answer).attrs["url.query"]
        expect_that(query.startswith("filler=aaaa") and query.endswith(f"id={answer.id}"), query)
        expect("length of the query", len(f"filler={filler}&id={answer.id}"), len(query))


@scenario("a traceparent behind 0, 2, 4 and 7.9 kB of cookies is the parent", *ALL)
def context(x):
    answers = [x.ask("/ok", headers=[("Cookie", "c=" + "x" * size), ("traceparent", PARENT),
                                     ("tracestate", "vendor=value,rojo=00f067aa0ba902b7")])
               for size in (0, 2000, 4000, 7900)]
    more = x.ask("/ok", headers=[(f"X-{n}", "y" * 500) for n in range(16)] + [("traceparent", PARENT)])
    flags = x.ask("/ok", headers=[("traceparent", PARENT[:-1] + "3")])
    yield
    for answer in (*answers, more):
        span = x.one(answer)
        expect("trace, parent and source",
               (PARENT[3:35], PARENT[36:52], "carried"),
               (span.trace_id, span.parent, span.attrs.get("otelbpf.parent.source")))
    for answer in answers:
        expect("state", "vendor=value,rojo=00f067aa0ba902b7", x.one(answer).state)
    expect("flags", (0x301, 0x303), (x.one(answers[0]).flags, x.one(flags).flags))


@scenario("a traceparent that is not valid or there twice is none", *ALL)
def bad_context(x):
    bad = ["00-" + "0" * 32 + PARENT[35:], PARENT.replace("00-", "ff-", 1), PARENT[:-1],
           PARENT + "-00", PARENT.upper(), "nonsense"]
    answers = [x.ask("/ok", headers=[("traceparent", value)]) for value in bad]
    answers.append(x.ask("/ok", headers=[("traceparent", PARENT), ("Traceparent", PARENT)]))
    yield
    for answer in answers:
        span = x.one(answer)
        expect("parent", "", span.parent)
        expect_that(span.trace_id != PARENT[3:35], "the trace of an invalid context is used")


@scenario("a client that resets in the middle of the response leaves an error", *ALL)
def reset(x):
    target, id_ = x.target("/long")
    connection = x.connect()
    connection.send(connection.request(target))
    connection.read(until_head=True)
    connection.reset()
    x.expect(id_, 200)
    time.sleep(0.3)
    yield
    span = x.one(id_)
    expect("status", ERROR, span.status)
    expect_that(span.attrs.get("error.type") in ("connection_reset", "broken_pipe"),
                f"error.type: expected connection_reset or broken_pipe, got "
                f"{span.attrs.get('error.type')}")
    expect_that(span.duration < 1500 * MS, f"the span lasts {span.duration / MS} ms")


@scenario("a client that resets before any answer leaves an error without a status code", *ALL)
def reset_early(x):
    target, id_ = x.target("/slow?n=0.2")
    connection = x.connect()
    connection.send(connection.request(target))
    time.sleep(0.05)
    connection.reset()
    x.maybe.add(id_)
    time.sleep(0.5)
    yield
    span = x.one(id_)
    expect("status", ERROR, span.status)
    expect_that(span.attrs.get("error.type") in ("connection_reset", "broken_pipe"),
                f"error.type: expected connection_reset or broken_pipe, got "
                f"{span.attrs.get('error.type')}")


@scenario("an absolute-form target gives path and server address", *ALL)
def absolute(x):
    id_ = x.id()
    connection = x.connect()
    answer = x.note(id_, connection.ask(f"http://shop.example:8080/ok?id={id_}",
                                        headers=[("Host", "other.example")]))
    connection.close()
    yield
    span = x.one(answer)
    expect("path, server", ("/ok", "shop.example", 8080),
           tuple(span.attrs.get(k) for k in ("url.path", "server.address", "server.port")))


@scenario("curl with Expect: 100-continue is one span of the final status", *ALL)
def expect_continue(x):
    upload = x.bench.write("upload", b"0123456789abcdef" * 65536)
    ids = []
    for options in (["--data-binary", f"@{upload}"], ["-T", upload],
                    ["-T", upload, "-H", "Transfer-Encoding: chunked"]):
        target, id_ = x.target("/echo")
        run = x.bench.run(["curl", "-sS", "-o", x.bench.path("echo"), "-w", "%{http_code}", "-H",
                           "Expect: 100-continue", *options,
                           "http://%s:%d%s" % (*x.address, target)])
        with open(x.bench.path("echo"), "rb") as f:
            expect_that(f.read().startswith(b"1048576 "), f"curl: {run.stdout} {run.stderr}")
        x.expect(id_, int(run.stdout))
        ids.append(id_)
    yield


@scenario("five requests in one send are five spans in their order", "kept-pipelined")
def pipelining(x):
    connection, targets = x.connect(), [x.target(f"/status/20{n}") for n in range(5)]
    connection.send(b"".join(connection.request(t, body=b"") for t, _ in targets))
    for _, id_ in targets:
        x.note(id_, connection.read())
    connection.close()
    yield
    ends = [x.one(id_).end for _, id_ in targets]
    expect("order of their ends", sorted(ends), ends)


@scenario("a kept connection: 50 requests of all kinds, one span each", *KEPT)
def kept(x):
    connection = x.connect()
    for n in range(10):
        x.ask("/ok", on=connection)
        x.ask(f"/large?n={n * 20000}", on=connection)
        x.ask("/echo", "POST", on=connection, body=b"z" * n * 5000)
        x.ask("/status/204", on=connection)
        x.ask("/ok", "HEAD", on=connection)
    connection.close()
    yield


@scenario("400 requests over 1 and over 16 connections are 400 spans", *ALL)
def crowds(x):
    for connections in (1, 16):
        ids = [x.id() for _ in range(200)]
        each = None if x.session.group.startswith("kept") else 1
        for id_, answer in client.crowd(x.address, ids, connections, requests_each=each).items():
            x.want[id_] = {kind: answer.status for kind in x.kinds}
            expect("body", servers.ORDER, answer.body)
    yield


@scenario("what is not HTTP is no span, and no loss", *ALL)
def not_http(x):
    for data in (b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03" + bytes(range(160)), b"\0" * 3000,
                 b"EHLO mail.example\r\n", b"*1\r\n$4\r\nPING\r\n"):
        connection = x.connect()
        connection.send(data)
        connection.socket.shutdown(client.socket.SHUT_WR)
        while connection.socket.recv(65536):
            pass
        connection.close()
    connection = x.connect()
    connection.close()
    yield


@scenario("a worker that is killed in the middle of its response leaves an error", "killed")
def killed(x):
    target, id_ = x.target("/die")
    connection = x.connect()
    connection.send(connection.request(target))
    answer = x.note(id_, connection.read())
    connection.close()
    expect("the client got it whole", False, answer.complete)
    # gunicorn starts another one.
    time.sleep(1.5)
    after = x.ask("/ok")
    yield
    span = x.one(id_)
    expect("status", ERROR, span.status)
    expect_that(span.attrs.get("error.type", "").startswith("connection_"), repr(span))
    expect_that(50 * MS <= span.duration <= answer.end - answer.begin + MS,
                f"the span lasts {span.duration / MS} ms, the client saw "
                f"{(answer.end - answer.begin) / MS} ms")
    expect("status of the next one", UNSET, x.one(after).status)


def words():
    return sys.argv[1:]


def run(title, group, make, service):
    return Session(title, group, lambda b: [make(b)], [("SERVER", service)]).execute(words())


@test("gunicorn sync")
def sync():
    good = run("gunicorn sync", "closed", servers.gunicorn, "shop")
    return run("gunicorn sync", "killed", servers.gunicorn, "shop") and good


@test("gunicorn gthread")
def gthread():
    return run("gunicorn gthread", "kept", lambda b: servers.gunicorn(b, "gthread"), "shop")


@test("http.server with HTTP/1.1")
def plain():
    good = run("http.server", "kept", servers.plain, "plain")
    return run("http.server", "kept-pipelined", servers.plain, "plain") and good


@test("http.server with HTTP/1.0")
def plain_10():
    return run("http.server 1.0", "closed", lambda b: servers.plain(b, "1.0"), "plain")


if __name__ == "__main__":
    os.umask(0o022)
    main()

#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""nginx as a server and as a client of its upstream: every request, once, for each role."""
import sys
import time

import client
import servers
from harness import main, test
from session import Session, scenario
from spans import ERROR, MS, UNSET, expect, expect_that

SERVER, CLIENT = ("SERVER", "nginx"), ("CLIENT", "nginx")
# Connections to the upstream are closed, or kept.
PREFIXES = ("/closed", "/kept")
SHOP, PLAIN = ("SERVER", "shop"), ("SERVER", "plain")


# --------------------------------------------------------------------------------- nginx by itself

@scenario("static files of three sizes, by sendfile and copied, arrive whole and are one span each",
          "static")
def static_files(x):
    answers = [x.ask(f"/{how}/{name}") for how in ("sendfile", "copied") for name in servers.FILES]
    kept = x.connect()
    answers += [x.ask(f"/{how}/{name}", on=kept) for _ in range(3)
                for how in ("sendfile", "copied") for name in servers.FILES]
    kept.close()
    yield
    for n, answer in enumerate(answers):
        expect("size of the file", list(servers.FILES.values())[n % 3], len(answer.body))
        span = x.one(answer)
        expect_that(answer.begin - MS <= span.start <= span.end <= answer.end + MS,
                    f"{span!r} from {span.start} to {span.end} is outside of what the client saw: "
                    f"{answer.begin} to {answer.end}")


@scenario("a file that the client reads slowly is a span as long as the client read", "static")
def slow_reader(x):
    target, id_ = x.target("/sendfile/large")
    connection = x.connect()
    connection.socket.setsockopt(client.socket.SOL_SOCKET, client.socket.SO_RCVBUF, 65536)
    connection.send(connection.request(target))
    time.sleep(0.4)
    answer = x.note(id_, connection.read())
    connection.close()
    yield
    expect_that(x.one(answer).duration >= 400 * MS,
                f"expected 400 ms at least, got {x.one(answer).duration / MS:.1f} ms")


@scenario("return 200, 404 and 500, kept and closed, with HTTP/1.1 and HTTP/1.0", "static")
def returns(x):
    kept = x.connect()
    for path in ("/ok", "/404", "/500"):
        x.ask(path, on=kept)
        x.ask(path, headers=[("Connection", "close")])
        x.ask(path, version="1.0")
        ten = x.ask(path, version="1.0", on=x.connect(), headers=[("Connection", "keep-alive")])
    kept.close()
    yield
    expect("version", "1.0", x.one(ten).attrs["network.protocol.version"])


@scenario("HEAD, 304 and 206 of a large file leave its kept connection in order", "static")
def no_body(x):
    for path in ("/sendfile/large", "/copied/large"):
        kept = x.connect()
        tag = x.ask(path, "HEAD", on=kept).header("etag")
        x.ask(path, on=kept, headers=[("If-None-Match", tag)])
        x.ask(path, on=kept, headers=[("Range", "bytes=100-299")])
        x.ask(path, on=kept, headers=[("Range", "bytes=4000000-")])
        x.ask(path, on=kept)
        x.ask(path, "HEAD", on=kept)
        kept.close()
    yield
    expect("codes", [200, 304, 206, 206, 200, 200] * 2, [x.one(id_).code for id_ in x.want])


@scenario("a body that is refused before it is sent, or while it is, is one span of 413", "static")
def refused_body(x):
    for headers, body in (((("Expect", "100-continue"),), b""), ((), b"z" * 1000)):
        target, id_ = x.target("/ok")
        connection = x.connect()
        connection.send(connection.request(target, "POST", headers=[
            *headers, ("Content-Length", "20000000")]) + body)
        x.note(id_, connection.read())
        connection.close()
    yield
    expect("codes", {413}, {s.code for s in x.spans})


@scenario("empty lines before the first request, and between two, are passed over", "static")
def empty_lines(x):
    kept = x.connect()
    for lines in (b"\r\n", b"\r\n\r\n", b"\n"):
        connection = x.connect()
        for on in (connection, kept):
            target, id_ = x.target("/ok")
            on.send(lines + on.request(target))
            x.note(id_, on.read())
        connection.close()
    kept.close()
    yield


@scenario("odd but legal: bare LF, odd case and blanks, a client that half-closes", "static")
def odd(x):
    shapes = (b"GET %s HTTP/1.1\nHost: a\n\n", b"GET %s HTTP/1.1\r\nhOsT:a\r\n\r\n",
              b"GET %s HTTP/1.1\r\nHost:\t a \t\r\nCONTENT-LENGTH:  3  \r\n\r\nabc")
    for shape in shapes:
        for half in (False, True):
            target, id_ = x.target("/ok")
            connection = x.connect()
            connection.send(shape % target.encode())
            if half:
                connection.socket.shutdown(client.socket.SHUT_WR)
            x.note(id_, connection.read())
            connection.close()
    yield


@scenario("five requests in one send are five spans", "static")
def pipelining(x):
    connection, targets = x.connect(), [x.target("/ok") for _ in range(5)]
    connection.send(b"".join(connection.request(t) for t, _ in targets))
    for _, id_ in targets:
        x.note(id_, connection.read())
    connection.close()
    yield


@scenario("a request that arrives byte by byte is one span that begins with its first byte", "static")
def byte_by_byte(x):
    target, id_ = x.target("/ok")
    connection = x.connect()
    begin = time.time_ns()
    for byte in connection.request(target):
        connection.send(bytes([byte]))
        time.sleep(0.0005)
    sent = time.time_ns()
    answer = x.note(id_, connection.read(begin=begin))
    connection.close()
    yield
    expect_that(x.one(answer).duration >= (sent - begin) // 2,
                f"sending took {(sent - begin) / MS} ms, the span "
                f"{x.one(answer).duration / MS} ms")


@scenario("a header block that is too large is answered 400 and is a span of 400", "static")
def too_large(x):
    answer = x.ask("/ok", headers=[("Cookie", "c" * 40000)])
    yield
    expect("status", 400, answer.status)


@scenario("600 requests over 1 and over 16 connections are 600 spans", "static")
def crowds(x):
    for connections, each in ((1, None), (1, 1), (16, None), (16, 3)):
        ids = [x.id() for _ in range(150)]
        answers = client.crowd(x.address, ids, connections, requests_each=each)
        for id_ in ids:
            x.note(id_, answers[id_])
    yield


@test("nginx by itself")
def static():
    return Session("nginx", "static", lambda b: [servers.nginx(b)], [SERVER]).execute(words())


# --------------------------------------------------------------------------------- nginx as a proxy

@scenario("proxied requests are a server span, a client span and the upstream's server span", "proxy")
def proxied(x):
    for prefix in PREFIXES:
        kept = x.connect()
        for path in ("/ok", "/status/404", "/status/500", "/status/204", "/large?n=3000000", "/stream"):
            x.ask(prefix + path, on=kept)
            x.ask(prefix + path, version="1.0")
        x.ask(prefix + "/echo", "POST", on=kept, body=b"0123456789")
        x.ask(prefix + "/echo", "POST", on=kept, body=b"0123456789abcdef" * 65536)
        x.ask(prefix + "/echo", "POST", on=kept, body=[b"first", b"second" * 1000])
        x.ask(prefix + "/ok", "HEAD", on=kept)
        kept.close()
    yield
    for id_ in x.want:
        outer, inner = x.one(id_, "SERVER", "nginx"), x.one(id_, "CLIENT")
        # Each of the two ends when its own socket has the last byte: nginx reads it before it sends it.
        expect_that(outer.start <= inner.start and inner.end <= outer.end + MS,
                    f"the client span {inner!r} {inner.start}–{inner.end} is outside of the server "
                    f"span {outer.start}–{outer.end}")
        error = {s.status for s in x.spans if s.id == id_ and s.kind == "SERVER"}
        code = outer.code
        expect("status of server spans", {ERROR if code >= 500 else UNSET}, error)
        expect("status of the client span", ERROR if code >= 400 else UNSET,
               inner.status)


@scenario("300 proxied requests over 1 and over 16 connections are 900 spans", "proxy")
def proxied_crowds(x):
    for prefix in PREFIXES:
        for connections in (1, 16):
            ids = [x.id() for _ in range(150 // len(PREFIXES))]
            answers = client.crowd(x.address, ids, connections, target=prefix + "/ok?id={}")
            for id_ in ids:
                x.note(id_, answers[id_])
    yield


@scenario("an upstream that dies in the middle: all three spans have an error", "proxy-die")
def upstream_dies(x):
    answer = x.ask("/closed/die")
    expect("the client got it whole", False, answer.complete)
    time.sleep(1.5)  # gunicorn starts another worker
    x.ask("/closed/ok")
    yield
    expect("status of the spans", [ERROR] * 3,
           [s.status for s in x.spans if s.id == answer.id])


LOCATIONS = """
    location /closed/ {{ proxy_pass http://{name}_closed/; proxy_read_timeout 20s; }}
    location /kept/ {{
        proxy_pass http://{name}_kept/; proxy_http_version 1.1; proxy_set_header Connection "";
        proxy_request_buffering off;
    }}
"""
UPSTREAMS = """
    upstream {name}_closed {{ server {where}; }}
    upstream {name}_kept {{ server {where}; keepalive 8; }}
"""


def proxy_to(make):
    """nginx in front of one upstream, without and with connections kept to it."""
    def start(bench):
        upstream = make(bench)
        where = upstream.address
        where = f"unix:{where}" if isinstance(where, str) else "%s:%d" % where
        server = servers.nginx(bench, UPSTREAMS.format(name="up", where=where),
                               LOCATIONS.format(name="up"))
        return [server, upstream]
    return start


def proxy(title, make, inner, group="proxy"):
    return Session(title, group, proxy_to(make), [SERVER, CLIENT, inner]).execute(words())


@test("nginx in front of gunicorn sync")
def proxy_sync():
    good = proxy("nginx → gunicorn sync", servers.gunicorn, SHOP)
    return proxy("nginx → gunicorn sync", servers.gunicorn, SHOP, "proxy-die") and good


@test("nginx in front of gunicorn gthread over a Unix socket")
def proxy_unix():
    return proxy("nginx → gunicorn gthread, Unix socket",
                 lambda b: servers.gunicorn(b, "gthread", bind=b.path("shop.sock")), SHOP)


@test("nginx in front of http.server")
def proxy_plain():
    return proxy("nginx → http.server", servers.plain, PLAIN)


def words():
    return sys.argv[1:]


if __name__ == "__main__":
    main()

#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""nginx as a server and as a client of its upstream: every request, once, for each role."""
import glob
import os

import client
import harness
import servers
from harness import Bench, check_spans, expect, expect_that, test
from session import Session, scenario

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
        expect_that(answer.begin - harness.MS <= span.start <= span.end <= answer.end + harness.MS,
                    f"{span!r} from {span.start} to {span.end} is outside of what the client saw: "
                    f"{answer.begin} to {answer.end}")


@scenario("a file that the client reads slowly is a span as long as the client read", "static")
def slow_reader(x):
    target, id_ = x.target("/sendfile/large")
    connection = x.connect()
    connection.socket.setsockopt(client.socket.SOL_SOCKET, client.socket.SO_RCVBUF, 65536)
    connection.send(connection.request(target))
    harness.time.sleep(0.4)
    answer = x.note(id_, connection.read())
    connection.close()
    yield
    expect_that(x.one(answer).duration >= 400 * harness.MS,
                f"expected 400 ms at least, got {x.one(answer).duration / harness.MS:.1f} ms")


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
    begin = harness.time.time_ns()
    for byte in connection.request(target):
        connection.send(bytes([byte]))
        harness.time.sleep(0.0005)
    sent = harness.time.time_ns()
    answer = x.note(id_, connection.read(begin=begin))
    connection.close()
    yield
    expect_that(x.one(answer).duration >= (sent - begin) // 2,
                f"sending took {(sent - begin) / harness.MS} ms, the span "
                f"{x.one(answer).duration / harness.MS} ms")


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
        expect_that(outer.start <= inner.start and inner.end <= outer.end + harness.MS,
                    f"the client span {inner!r} {inner.start}–{inner.end} is outside of the server "
                    f"span {outer.start}–{outer.end}")
        error = {s.status for s in x.spans if s.id == id_ and s.kind == "SERVER"}
        code = outer.code
        expect("status of server spans", {harness.ERROR if code >= 500 else harness.UNSET}, error)
        expect("status of the client span", harness.ERROR if code >= 400 else harness.UNSET,
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
    harness.time.sleep(1.5)  # gunicorn starts another worker
    x.ask("/closed/ok")
    yield
    expect("status of the spans", [harness.ERROR] * 3,
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


# --------------------------------------------------------------------------------- wrk

def wrk(bench, address, connections, prefix=(), pause=0, headers=()):
    """Load with ids for two seconds: (id, status) of all answers. pause: ms between answer and request."""
    url = "http://%s:%d/ok" % address
    env = harness.environment(IDS=bench.path("ids"), PAUSE=str(pause))
    run = bench.run([*prefix, "wrk", "-t", "1" if connections == 1 else "2", "-c", connections,
                     "-d", "2s", "-s", os.path.join(harness.HERE, "ids.lua"),
                     *(word for h in headers for word in ("-H", h)), url], env=env)
    expect("wrk's exit status", 0, run.returncode)
    seen = {}
    for name in glob.glob(bench.path("ids.*")):
        with open(name, encoding="ascii") as f:
            seen.update((line.split()[0], int(line.split()[1])) for line in f)
    expect_that(len(seen) > 200, f"wrk made only {len(seen)} requests")
    return seen, run


def check_load(spans, seen, connections, kind):
    """What was on its way when wrk stopped may be a span too."""
    unseen = {s.id for s in spans if s.id not in seen}
    expect_that(len(unseen) <= connections and all(i.startswith("w") for i in unseen),
                f"spans of requests that wrk did not see: {sorted(unseen)[:20]}")
    check_spans(spans, {id_: {kind: status} for id_, status in seen.items()}, unseen)


def paced(connections):
    with Bench() as bench:
        server = servers.nginx(bench)
        agent = bench.trace(server)
        seen, _ = wrk(bench, server.address, connections, pause=1 if connections == 1 else 4)
        result = agent.stop()
    result.check_clean()
    check_load(result.spans, seen, connections, SERVER)


@test("wrk with 1 connection, 1 ms between requests: each is one server span of nginx, no loss")
def paced_one():
    paced(1)


@test("wrk with 16 connections, 4 ms between requests: each is one server span of nginx, no loss")
def paced_sixteen():
    paced(16)


def full(connections, output, headers=()):
    with Bench() as bench:
        server = servers.nginx(bench)
        agent = bench.trace(server, args=["--output", output], json_output=False)
        seen, _ = wrk(bench, server.address, connections, headers=headers)
        result = agent.stop()
        return seen, result, harness.parse_spans(result.stdout)


def all_made(connections, headers=()):
    seen, result, _ = full(connections, "none", headers)
    made = result.counter("span.made")
    expect_that(len(seen) <= made <= len(seen) + connections,
                f"wrk saw {len(seen)} answers; spans made: {made}\n{result.stderr}")
    result.check_clean()


@test("wrk with 1 connection, as fast as it can: as many spans as requests, no loss")
def full_one():
    all_made(1)


@test("wrk with 16 connections, as fast as it can: as many spans as requests, no loss")
def full_sixteen():
    all_made(16)


@test("wrk with 16 connections, a new one for each request: as many spans as requests, no loss")
def full_closing():
    all_made(16, ["Connection: close"])


@test("wrk with 16 connections, faster than JSON is written: every span that is missing is counted")
def every_loss_counted():
    seen, result, spans = full(16, "otlp/stdout")
    made, lost = result.counter("span.made"), result.counter("queue.full")
    expect_that(len(seen) <= made <= len(seen) + 16,
                f"wrk saw {len(seen)} answers; spans made: {made}\n{result.stderr}")
    expect("spans written, and those counted as lost", made, len(spans) + lost)
    written = {s.id: {SERVER: 200} for s in spans}
    expect_that(len(set(written) - set(seen)) <= 16, "spans of requests that wrk did not make")
    check_spans(spans, written)


@test("wrk with 16 connections as the traced command: each of its requests is one client span")
def load_client():
    with Bench() as bench:
        server = servers.nginx(bench)
        stats, out = bench.path("stats"), bench.path("spans")
        command = [harness.OTELBPF, "--stats", stats, "--output", "otlp/stdout", "--"]
        shell = ["sh", "-c", f'exec "$@" >{out}', "sh"]
        seen, run = wrk(bench, server.address, 16, [*shell, *command], pause=4)
        with open(out, encoding="utf-8") as f:
            text = "".join(line for line in f if line.startswith("{"))
        expect("losses", [], [line for line in run.stderr.splitlines() if "lost:" in line])
    check_load(harness.parse_spans(text), seen, 16, ("CLIENT", "wrk"))


def words():
    return harness.sys.argv[1:]


if __name__ == "__main__":
    harness.main()

#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""What changes while otelbpf watches: workers, many connections, protocols on one port."""
import os
import resource
import signal
import subprocess
import threading
import time

import client
import servers
from harness import PYTHON, Bench, children, environment, free_port, main, test, wait_until
from spans import check_spans, expect, expect_that, parse_spans

SHOP, NGINX, PLAIN = ("SERVER", "shop"), ("SERVER", "nginx"), ("SERVER", "plain")


def ask_until(over, address, prefix, answers):
    """One request on a new connection after the other; those that a reload refused are not noted."""
    n = 0
    while not over.is_set():
        n += 1
        answer = client.ask(address, f"/ok?id={prefix}{n}", headers=[("Connection", "close")])
        if answer.complete:
            answers[f"{prefix}{n}"] = answer.status


@test("gunicorn workers that end after 15 requests each: every request is a span")
def recycled():
    with Bench() as bench:
        app = servers.gunicorn(bench, more=["--max-requests", "15"])
        agent = bench.trace(app)
        answers = client.crowd(app.address, [f"a{n}" for n in range(120)], 4, requests_each=1)
        result = agent.stop()
    result.check_clean()
    check_spans(result.spans, {i: {SHOP: a.status} for i, a in answers.items()})
    pids = {s.resource["process.pid"] for s in result.spans}
    expect_that(len(pids) > 4, f"only {len(pids)} workers answered")


@test("nginx reloads under load: every request that was answered is a span, of old and new workers")
def reload():
    with Bench() as bench:
        server = servers.nginx(bench)
        agent = bench.trace(server)
        over, answers = threading.Event(), {}
        threads = [threading.Thread(target=ask_until, args=(over, server.address, f"t{n}n", answers))
                   for n in range(3)]
        for thread in threads:
            thread.start()
        for _ in range(3):
            old = children(server.pid)
            os.kill(server.pid, signal.SIGHUP)
            wait_until(lambda: children(server.pid) and not set(old) & set(children(server.pid)),
                       "new workers")  # pylint: disable=cell-var-from-loop
            time.sleep(0.1)
        over.set()
        for thread in threads:
            thread.join()
        result = agent.stop()
    result.check_clean()
    check_spans(result.spans, {i: {NGINX: status} for i, status in answers.items()})


@test("1000 connections at once: every request is a span, in no more than 20 MiB")
def many_connections():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 4096), max(hard, 4096)))
    with Bench() as bench:
        server, out = servers.nginx(bench), []
        for options in (["--output", "otlp/stdout"], *[["--output", "none"]] * 3):
            agent = bench.trace(server, args=options)
            connections, want = [client.Connection(server.address) for _ in range(1000)], {}
            for n, connection in enumerate(connections):
                want[f"c{n}"] = {NGINX: connection.ask(f"/ok?id=c{n}").status}
            for connection in connections:
                connection.close()
            out.append(agent.stop())
    for result in out:
        result.check_clean()
        expect("spans made", 1000, result.counter("span.made"))
    check_spans(out[0].spans, want)
    # The ring is one of the maps. What waits for a slow reader of JSON has its own bound.
    # How much of the shared libraries is resident differs from run to run: the median counts.
    runs = sorted((result.stats["sizes"] for result in out[1:]),
                  key=lambda sizes: sizes["rss_bytes"] + sizes["map_bytes"])
    used = runs[1]["rss_bytes"] + runs[1]["map_bytes"]
    expect_that(used <= 20 << 20, f"{used / (1 << 20):.1f} MiB: {runs}")


UPGRADE = """
import socket, sys
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    connection, _ = listener.accept()
    data = connection.recv(65536)
    if not data:
        continue
    connection.sendall(b"HTTP/1.1 101 Switching Protocols\\r\\n"
                       b"Upgrade: echo\\r\\nConnection: Upgrade\\r\\n\\r\\n")
    while data:
        data = connection.recv(65536)
        connection.sendall(data)
    connection.close()
"""


@test("an Upgrade is one span of 101 that ends there, and what follows is no span and no loss")
def upgrade():
    with Bench() as bench:
        port = free_port()
        server = bench.start([PYTHON, bench.write("upgrade.py", UPGRADE), str(port)],
                             env=environment(OTEL_SERVICE_NAME="echo"))
        wait_until(lambda: servers.connects(("127.0.0.1", port)), "the server listens")
        agent = bench.trace(server)
        connection = client.Connection(("127.0.0.1", port))
        answer = connection.ask("/chat?id=a", headers=[("Connection", "Upgrade"), ("Upgrade", "echo")])
        for data in (b"GET /not/a/request HTTP/1.1\r\nHost: a\r\n\r\n", b"\x81\x05hello" * 1000):
            connection.send(data)
            got = b""
            while len(got) < len(data):
                got += connection.socket.recv(65536)
            expect("echo", data, got)
        time.sleep(0.3)
        connection.close()
        result = agent.stop()
    result.check_clean()
    check_spans(result.spans, {"a": {("SERVER", "echo"): 101}})
    expect_that(result.spans[0].end <= answer.end + 1_000_000, "it lasts longer than the answer")
    expect("proto.upgraded", 1, result.counter("proto.upgraded"))


@test("TLS on one port of nginx and HTTP on the other: spans of HTTP, no loss for TLS")
def tls():
    with Bench() as bench:
        port, key, cert = free_port(), bench.path("key.pem"), bench.path("cert.pem")
        made = bench.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj",
                          "/CN=localhost", "-days", "2", "-keyout", key, "-out", cert])
        expect("openssl", 0, made.returncode)
        server = servers.nginx(bench, http=f"server {{ listen 127.0.0.1:{port} ssl; ssl_certificate "
                               f"{cert}; ssl_certificate_key {key}; return 200 ok; }}")
        agent = bench.trace(server)
        for n in range(5):
            run = bench.run(["curl", "-sk", f"https://127.0.0.1:{port}/ok?id=tls{n}"])
            expect("answer over TLS", "ok", run.stdout)
            client.ask(server.address, f"/ok?id=a{n}")
        result = agent.stop()
    result.check_clean()
    check_spans(result.spans, {f"a{n}": {NGINX: 200} for n in range(5)})


@test("a traced client that connects, asks and closes 300 times quickly, to itself: 600 spans")
def to_itself():
    with Bench() as bench:
        server = servers.plain(bench)
        script = bench.write("many.py", f"""
import http.client
for n in range(300):
    c = http.client.HTTPConnection("127.0.0.1", {server.address[1]})
    c.request("GET", "/ok?id=a%d" % n)
    assert c.getresponse().read()
    c.close()
""")
        shell = bench.start(["sh", "-c", f"read go; {PYTHON} {script}; echo done"],
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                            env=environment(OTEL_SERVICE_NAME="many"))
        agent = bench.trace(server, shell)
        shell.stdin.write(b"go\n")
        shell.stdin.flush()
        expect("end of the client", b"done\n", shell.stdout.readline())
        result = agent.stop()
    result.check_clean()
    check_spans(result.spans, {f"a{n}": {PLAIN: 200, ("CLIENT", "many"): 200} for n in range(300)})


@test("a large upload by sendfile() and a download by splice() are one client span each")
def zero_copy():
    with Bench() as bench:
        server = servers.plain(bench)
        data = bench.write("data", b"0123456789abcdef" * 100000)
        script = bench.write("zero.py", ZERO_COPY)
        agent = bench.agent("--", PYTHON, script, server.address[1], data, json_output=True,
                            env=environment(OTEL_SERVICE_NAME="zero"))
        agent.json = False
        result = agent.wait_end()
    expect("exit status", 0, result.status)
    lines = result.stdout.splitlines(keepends=True)
    expect("what the client got", ["1600000", "3000000"],
           [line.split()[0] for line in lines if not line.startswith("{")])
    spans = parse_spans("".join(line for line in lines if line.startswith("{")))
    check_spans(spans, {"a": {("CLIENT", "zero"): 200}, "b": {("CLIENT", "zero"): 200}})


ZERO_COPY = """
import os, socket, sys
port, path = int(sys.argv[1]), sys.argv[2]
size = os.path.getsize(path)
s = socket.create_connection(("127.0.0.1", port))
s.sendall(b"POST /echo?id=a HTTP/1.1\\r\\nHost: a\\r\\nContent-Length: %d\\r\\n\\r\\n" % size)
with open(path, "rb") as f:
    at = 0
    while at < size:
        at += os.sendfile(s.fileno(), f.fileno(), at, size - at)
head = b""
while head.count(b"\\n") < 6 and b"1600000" not in head.split(b"\\r\\n\\r\\n", 1)[-1]:
    head += s.recv(65536)
while b"0\\r\\n\\r\\n" not in head:
    head += s.recv(65536)
print(1600000 if b"1600000" in head else head, flush=True)
s.sendall(b"GET /large?n=3000000&id=b HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n")
head = b""
while b"\\r\\n\\r\\n" not in head:
    head += s.recv(1)
left, (r, w) = 3000000, os.pipe()
sink = os.open(os.devnull, os.O_WRONLY)
while left:
    n = os.splice(s.fileno(), w, min(left, 65536))
    os.splice(r, sink, n)
    left -= n
print(3000000, flush=True)
"""


if __name__ == "__main__":
    main()

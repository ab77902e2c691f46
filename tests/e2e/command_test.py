#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""otelbpf -- COMMAND: traced from its first system call, its exit status passed on."""
import os
import signal
import socket
import threading
import time

import servers
from harness import OTELBPF, Bench, free_port, main, test, wait_until
from spans import check_spans, expect, expect_that, one, parse_spans

CURL = ("CLIENT", "curl")


def traced(bench, *command, args=(), **options):
    """The command's CompletedProcess, and the spans. The spans go to a file of their own."""
    out = bench.path("spans")
    run = bench.run(["sh", "-c", f'out=$1; shift; exec "$@" >"$out"', "sh", out, OTELBPF, *args,
                     "--output", "otlp/stdout", "--", *command], **options)
    with open(out, encoding="utf-8") as f:
        lines = f.readlines()
    run.spans = parse_spans("".join(line for line in lines if line.startswith('{"resourceSpans"')))
    run.said = "".join(line for line in lines if not line.startswith('{"resourceSpans"'))
    return run


def url(server, path):
    return "http://%s:%d%s" % (*server.address, path)


@test("curl gives a client span, its output is unchanged, and its exit status 0 is passed on")
def curl():
    with Bench() as bench:
        server = servers.plain(bench)
        alone = bench.run(["curl", "-sS", url(server, "/ok?id=a")])
        run = traced(bench, "curl", "-sS", url(server, "/ok?id=a"))
    expect("exit status", 0, run.returncode)
    expect("output", alone.stdout, run.said)
    check_spans(run.spans, {"a": {CURL: 200}})
    expect_that("lost" not in run.stderr, run.stderr)


@test("curl -f on a 404 exits 22 with a span of 404")
def curl_fails():
    with Bench() as bench:
        server = servers.plain(bench)
        run = traced(bench, "curl", "-sf", url(server, "/status/404?id=a"))
    expect("exit status", 22, run.returncode)
    check_spans(run.spans, {"a": {CURL: 404}})


@test("a command that does not exist: exit status 127, one line")
def missing():
    with Bench() as bench:
        run = traced(bench, "otelbpf-no-such-command")
        unusable = traced(bench, bench.write("not-executable", "#!/bin/sh\n", 0o644))
    expect("exit status", (127, 126), (run.returncode, unusable.returncode))
    lines = [line for line in run.stderr.splitlines() if "otelbpf-no-such-command" in line
             and "cannot" in line]
    expect_that(len(lines) == 1, f"expected one line that names it, got: {run.stderr}")


@test("a command that a signal ends: exit status 128 and its number")
def killed():
    with Bench() as bench:
        run = traced(bench, "sh", "-c", "kill -TERM $$")
    expect("exit status", 128 + signal.SIGTERM, run.returncode)


@test("20 short-lived curls of a shell: 20 client spans of service curl")
def short_lived():
    with Bench() as bench:
        server = servers.plain(bench)
        script = f"for n in $(seq 20); do curl -s -o /dev/null '{url(server, '/ok?id=c')}'$n; done"
        run = traced(bench, "sh", "-c", script)
    expect("exit status", 0, run.returncode)
    check_spans(run.spans, {f"c{n}": {CURL: 200} for n in range(1, 21)})
    expect_that("lost" not in run.stderr, run.stderr)


@test("20 curls at the same time: 20 client spans of service curl")
def parallel():
    with Bench() as bench:
        server = servers.plain(bench)
        script = f"for n in $(seq 20); do curl -s -o /dev/null '{url(server, '/ok?id=c')}'$n & done; wait"
        run = traced(bench, "sh", "-c", script)
    check_spans(run.spans, {f"c{n}": {CURL: 200} for n in range(1, 21)})


@test("curl with a kept connection, a redirect, an upload and a HEAD: a span for each request")
def many_kinds():
    with Bench() as bench:
        server = servers.plain(bench)
        upload = bench.write("upload", b"0123456789abcdef" * 20000)
        run = traced(bench, "curl", "-sS", "-o", os.devnull, url(server, "/ok?id=a[1-5]"),
                     "--next", "-sS", "-o", os.devnull, "-T", upload, url(server, "/echo?id=b"),
                     "--next", "-sS", "-o", os.devnull, "-I", url(server, "/ok?id=c"),
                     "--next", "-sS", "-L", "-o", os.devnull, url(server, "/status/302?id=d"))
    want = {f"a{n}": {CURL: 200} for n in range(1, 6)}
    want |= {"b": {CURL: 200}, "c": {CURL: 200}, "d": {CURL: 302}, "": {CURL: 200}}
    check_spans(run.spans, want)
    target = one(run.spans, "", "CLIENT").target
    expect_that(target.endswith("/elsewhere"), f"expected the redirection's target, got {target}")


@test("a server that closes without an answer, or in its middle: a client span with an error")
def broken_server():
    port, answers = free_port(), [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart"]
    listener = socket.create_server(("127.0.0.1", port))

    def serve():
        for answer in answers:
            connection, _ = listener.accept()
            connection.recv(65536)
            connection.sendall(answer)
            connection.close()

    threading.Thread(target=serve, daemon=True).start()
    with Bench() as bench, listener:
        run = traced(bench, "sh", "-c", "for n in 0 1; do curl -s -o /dev/null "
                     f"'http://127.0.0.1:{port}/ok?id=c'$n; done")
    check_spans(run.spans, {"c0": {CURL: None}, "c1": {CURL: 200}})
    for n in range(2):
        span = one(run.spans, f"c{n}", "CLIENT")
        expect(f"status, error of answer {n}", (2, "connection_closed"),
               (span.status, span.attrs.get("error.type")))


@test("curl over a Unix socket is a client span that names it")
def unix_socket():
    with Bench() as bench:
        server = servers.plain(bench, where=bench.path("plain.sock"))
        run = traced(bench, "curl", "-sS", "--unix-socket", server.address, "http://shop.example/ok?id=a")
    expect("output", servers.ORDER.decode(), run.said)
    check_spans(run.spans, {"a": {CURL: 200}})
    span = one(run.spans, "a", "CLIENT")
    expect("server, peer, transport", ("shop.example", 80, server.address, "unix"),
           tuple(span.attrs.get(k) for k in ("server.address", "server.port", "network.peer.address",
                                             "network.transport")))


@test("curl that gives up waiting: one client span without a status")
def gives_up():
    with Bench() as bench:
        server = servers.plain(bench)
        run = traced(bench, "curl", "-s", "-m", "0.3", url(server, "/slow?n=1&id=a"))
    expect("exit status", 28, run.returncode)
    check_spans(run.spans, {"a": {CURL: None}})
    expect_that(one(run.spans, "a", "CLIENT").duration >= 200_000_000, "it is shorter than the wait")


@test("Ctrl-C reaches the command, and otelbpf passes its end on")
def interrupted():
    with Bench() as bench:
        marker = bench.path("marker")
        agent = bench.agent("--", "sh", "-c", f"trap 'echo got it >{marker}; exit 7' INT; "
                            "echo started; while :; do sleep 0.1; done")
        wait_until(lambda: "started" in agent.stdout, "the command started")
        agent.json = False
        result = agent.stop(signal.SIGINT)
        wait_until(lambda: os.path.exists(marker), "the command got SIGINT", 5)
    expect("exit status", 7, result.status)


@test("a traced command that is a server: its spans until it ends")
def server_command():
    with Bench() as bench:
        port = free_port()
        agent = bench.agent("--", servers.PYTHON, os.path.join(servers.APPS, "plain.py"), str(port))
        wait_until(lambda: servers.connects(("127.0.0.1", port)), "the server listens")
        for n in range(5):
            servers_answer = bench.run(["curl", "-s", f"http://127.0.0.1:{port}/ok?id=a{n}"])
            expect("answer", servers.ORDER.decode(), servers_answer.stdout)
        time.sleep(0.1)
        result = agent.stop(signal.SIGTERM)
    expect("exit status", 128 + signal.SIGTERM, result.status)
    service = {s.service for s in result.spans}.pop()
    check_spans(result.spans, {f"a{n}": {("SERVER", service): 200} for n in range(5)})


if __name__ == "__main__":
    main()

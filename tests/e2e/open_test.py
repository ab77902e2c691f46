#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Connections that were open before otelbpf came, and processes that come and go."""
import os
import re
import signal
import subprocess
import threading
import time

import client
import servers
from harness import PYTHON, Bench, children, environment, main, test, wait_until
from spans import ERROR, MS, check_spans, expect, expect_that, one

PLAIN, SHOP = ("SERVER", "plain"), ("SERVER", "shop")


def kinds_of_server(bench):
    return [servers.plain(bench), servers.plain(bench, where="[::1]"),
            servers.plain(bench, where=bench.path("plain.sock")), servers.nginx(bench)]


@test("kept connections over IPv4, IPv6 and Unix sockets that are older than otelbpf: every request")
def kept_connections():
    with Bench() as bench:
        all_servers = kinds_of_server(bench)
        connections = [(s, client.Connection(s.address)) for s in all_servers for _ in range(4)]
        for _, connection in connections:
            expect("status", 200, connection.ask("/ok?id=before").status)
        agent = bench.trace(*all_servers)
        want = {}
        for n in range(10):
            for at, (server, connection) in enumerate(connections):
                id_ = f"c{at}n{n}"
                want[id_] = {("SERVER", server.service): connection.ask(f"/ok?id={id_}").status}
        for _, connection in connections:
            connection.close()
        result = agent.stop()
    result.check_clean()
    check_spans(result.spans, want)
    for n, (server, _) in enumerate(connections):
        peer = one(result.spans, f"c{n}n0").attrs.get("network.peer.address")
        want = {"[": "::1", "/": None}.get(str(server.address)[0], "127.0.0.1")
        expect("peer", "::1" if "::1" in server.address else want, peer)


@test("a client's kept connections that are older than otelbpf: every request is a client span")
def kept_upstreams():
    with Bench() as bench:
        upstream = servers.plain(bench)
        front = servers.nginx(bench, "upstream up { server %s:%d; keepalive 8; }" % upstream.address,
                              'location /up/ { proxy_pass http://up/; proxy_http_version 1.1; '
                              'proxy_set_header Connection ""; }')
        before = [f"before{n}" for n in range(16)]
        client.crowd(front.address, before, 8, "/up/ok?id={}")
        agent = bench.trace(front)
        ids = [f"a{n}" for n in range(80)]
        client.crowd(front.address, ids, 8, "/up/ok?id={}")
        result = agent.stop()
    result.check_clean()
    check_spans(result.spans, {i: {("SERVER", "nginx"): 200, ("CLIENT", "nginx"): 200} for i in ids})


@test("a request that was in progress when otelbpf came is counted; the next one on it is a span")
def in_progress():
    with Bench() as bench:
        server = servers.plain(bench)
        paths = ("/slow?n=1.2", "/long", "/many?n=1200")
        connections = [client.Connection(server.address) for _ in paths]
        for path, connection in zip(paths, connections):
            connection.send(connection.request(f"{path}{'&' if '?' in path else '?'}id=before"))
        time.sleep(0.1)
        agent = bench.trace(server)
        for connection in connections:
            expect("whole answer", True, connection.read().complete)
        for n, connection in enumerate(connections):
            expect("status", 200, connection.ask(f"/ok?id=a{n}").status)
            connection.close()
        result = agent.stop()
    result.check_clean()
    check_spans(result.spans, {f"a{n}": {PLAIN: 200} for n in range(3)})
    # Of the two streams, what is seen of the body is no response to count.
    expect_that(result.counter("proto.no_request") >= 1,
                f"proto.no_request: expected 1 at least, got {result.counter('proto.no_request')}")


@test("requests still open when otelbpf ends are counted and the client gets its answer")
def open_at_end():
    with Bench() as bench:
        server = servers.plain(bench)
        agent = bench.trace(server)
        client.ask(server.address, "/ok?id=a")
        connection, answers = client.Connection(server.address), []
        thread = threading.Thread(target=lambda: answers.append(connection.ask("/slow?n=1&id=b")))
        thread.start()
        time.sleep(0.3)
        result = agent.stop()
        thread.join()
        connection.close()
    expect("answer", (200, b"slow\n"), (answers[0].status, answers[0].body))
    result.check_clean()
    expect("finished requests", [200], [s.code for s in result.spans if s.id == "a"])
    unfinished = [s for s in result.spans if s.id == "b"]
    expect("spans and counts of the unfinished one", 1,
           len(unfinished) + result.counter("proto.no_response"))
    expect_that(all(s.status == ERROR for s in unfinished), "an unfinished request is no success")


@test("a worker that is forked later is traced; one that ends is no error")
def forked_later():
    with Bench() as bench:
        app = servers.gunicorn(bench, workers=1)
        old = children(app.pid)
        agent = bench.trace(app)
        os.kill(app.pid, signal.SIGHUP)  # New workers take the place of the old ones.
        wait_until(lambda: children(app.pid) and not set(children(app.pid)) & set(old), "a new worker")
        pids = {client.ask(app.address, f"/pid?id=a{n}").body for n in range(20)}
        result = agent.stop()
    result.check_clean()
    expect_that(not {int(p) for p in pids} & set(old), "the old worker still answers")
    check_spans(result.spans, {f"a{n}": {SHOP: 200} for n in range(20)})
    expect("pid of the spans", {int(p) for p in pids}, {s.resource["process.pid"] for s in result.spans})


@test("a child that was there before, and a grandchild that comes later, are traced with their parent")
def family():
    with Bench() as bench:
        port = servers.free_port()
        script = bench.write("family.sh", "read go\n" + " ".join(
            [PYTHON, os.path.join(servers.APPS, "plain.py"), str(port), "&\nwait\n"]))
        outer = bench.start(["sh", "-c", f"sh {script}; :"], stdin=subprocess.PIPE,
                            env=environment(OTEL_SERVICE_NAME="plain"))
        wait_until(lambda: children(outer.pid), "the child")
        agent = bench.trace(outer)
        outer.stdin.write(b"go\n")
        outer.stdin.flush()
        wait_until(lambda: servers.connects(("127.0.0.1", port)), "the grandchild listens")
        for n in range(5):
            client.ask(("127.0.0.1", port), f"/ok?id=a{n}")
        result = agent.stop()
    result.check_clean()
    check_spans(result.spans, {f"a{n}": {PLAIN: 200} for n in range(5)})


@test("threads that were there before and threads that come later are traced with their process")
def threads():
    with Bench() as bench:
        server = servers.plain(bench)
        before = [client.Connection(server.address) for _ in range(6)]
        for connection in before:
            connection.ask("/ok?id=before")
        tids = len(os.listdir(f"/proc/{server.pid}/task"))
        expect_that(tids > 6, f"the server has only {tids} threads")
        agent = bench.trace(server)
        after = [client.Connection(server.address) for _ in range(6)]
        for n, connection in enumerate(before + after):
            connection.ask(f"/ok?id=a{n}")
            connection.close()
        result = agent.stop()
    result.check_clean()
    check_spans(result.spans, {f"a{n}": {PLAIN: 200} for n in range(12)})


@test("only what was asked for is traced: not another process, nor a second server of the same program")
def nothing_else():
    with Bench() as bench:
        mine, other = servers.plain(bench), servers.plain(bench)
        agent = bench.trace(mine)
        for n in range(5):
            client.ask(other.address, f"/ok?id=other{n}")
            client.ask(mine.address, f"/ok?id=mine{n}")
        result = agent.stop()
    result.check_clean()
    check_spans(result.spans, {f"mine{n}": {PLAIN: 200} for n in range(5)})


@test("when all traced processes are gone, otelbpf ends by itself with the summary and status 0")
def all_gone():
    with Bench() as bench:
        one_, two = servers.plain(bench), servers.gunicorn(bench)
        agent = bench.trace(one_, two)
        client.ask(one_.address, "/ok?id=a")
        client.ask(two.address, "/ok?id=b")
        bench.end(one_.process)
        time.sleep(0.3)
        expect("otelbpf is still there with one of two gone", None, agent.process.poll())
        os.kill(two.pid, signal.SIGKILL)
        for pid in children(two.pid):
            os.kill(pid, signal.SIGKILL)
        bench.end(two.process)
        begin = time.monotonic()
        result = agent.wait_end()
        expect_that(time.monotonic() - begin < 5, "it took 5 s to end")
    result.check_clean()
    check_spans(result.spans, {"a": {PLAIN: 200}, "b": {SHOP: 200}})
    expect_that(re.search(r"^otelbpf: 2 spans from 2 connections", result.stderr, re.M), result.stderr)


@test("a server that ends in the middle of its response leaves a span with an error")
def server_ends():
    with Bench() as bench:
        server = servers.plain(bench)
        agent = bench.trace(server)
        connection = client.Connection(server.address)
        connection.send(connection.request("/die?id=a"))
        answer = connection.read()
        connection.close()
        result = agent.wait_end()
    result.check_clean()
    expect("the client got all", False, answer.complete)
    check_spans(result.spans, {"a": {PLAIN: 200}})
    span = one(result.spans, "a")
    expect("status", ERROR, span.status)
    expect_that(span.end <= answer.end + 100 * MS, f"it ends {(span.end - answer.end) / MS} ms late")


@test("a connection that is handed to another process of the family goes on as the same one")
def handed_over():
    with Bench() as bench:
        port = servers.free_port()
        code = bench.write("fork.py", HANDING)
        server = bench.start([PYTHON, code, str(port)], env=environment(OTEL_SERVICE_NAME="forking"))
        wait_until(lambda: servers.connects(("127.0.0.1", port)), "the server listens")
        agent = bench.trace(server)
        connection = client.Connection(("127.0.0.1", port))
        answers = [connection.ask(f"/x?id=a{n}") for n in range(6)]
        connection.close()
        result = agent.stop()
    result.check_clean()
    expect_that(len({a.body for a in answers}) == 6, "one process answered twice")
    check_spans(result.spans, {f"a{n}": {("SERVER", "forking"): 200} for n in range(6)})


# Each request of a connection is answered by another process, which inherited it.
HANDING = """
import os, socket, sys
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    connection, _ = listener.accept()
    while True:
        data = connection.recv(65536)
        if not data:
            break
        child = os.fork()
        if not child:
            body = b"%d" % os.getpid()
            connection.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: %d\\r\\n\\r\\n" % len(body))
            connection.sendall(body)
            os._exit(0)
        os.waitpid(child, 0)
    connection.close()
"""


if __name__ == "__main__":
    main()

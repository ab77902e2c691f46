#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Traced processes in namespaces of their own, as in a container; otelbpf inside, and outside."""
import os

import client
import servers
from harness import (OTELBPF, PYTHON, Bench, children, environment, free_port, main, test,
                     wait_until)
from spans import check_spans, expect, expect_that, one, parse_spans

PLAIN = ("SERVER", "plain")
SERVER = os.path.join(servers.APPS, "plain.py")


@test("a server in its own pid namespace, traced from outside by the pid that it has there")
def from_outside():
    with Bench() as bench:
        port = free_port()
        outer = bench.start(["unshare", "--pid", "--fork", "--kill-child", PYTHON, SERVER, str(port)],
                            env=environment(OTEL_SERVICE_NAME="plain"))
        wait_until(lambda: servers.connects(("127.0.0.1", port)), "the server listens")
        (pid,) = children(outer.pid)
        agent = bench.agent("--pid", pid)
        for n in range(5):
            client.ask(("127.0.0.1", port), f"/ok?id=a{n}")
        result = agent.stop()
    result.check_clean()
    check_spans(result.spans, {f"a{n}": {PLAIN: 200} for n in range(5)})
    expect("pid", pid, result.spans[0].resource["process.pid"])


@test("otelbpf in the same pid namespace as the server: --pid is the pid of that namespace")
def inside():
    with Bench() as bench:
        port, out = free_port(), bench.path("spans")
        script = bench.write("inside.sh", f"""
{PYTHON} {SERVER} {port} &
server=$!
while ! curl -s -o /dev/null http://127.0.0.1:{port}/; do sleep 0.05; done
{OTELBPF} --output otlp/stdout --pid $server >{out} &
agent=$!
sleep 1
for n in 0 1 2 3 4; do curl -s -o /dev/null "http://127.0.0.1:{port}/ok?id=a$n"; done
kill -INT $agent
wait $agent
echo "$? $server"
kill $server
""")
        run = bench.run(["unshare", "--pid", "--fork", "--mount-proc", "sh", script],
                        env=environment(OTEL_SERVICE_NAME="plain"))
        with open(out, encoding="utf-8") as f:
            spans = parse_spans(f.read())
    expect_that(run.stdout.startswith("0 "), f"exit status {run.stdout}; {run.stderr}")
    check_spans(spans, {f"a{n}": {PLAIN: 200} for n in range(5)})
    expect("pid", int(run.stdout.split()[1]), spans[0].resource["process.pid"])
    expect_that("lost" not in run.stderr, run.stderr)


@test("a pid namespace's workers that are forked later are traced")
def workers_inside():
    with Bench() as bench:
        port = free_port()
        outer = bench.start(
            ["unshare", "--pid", "--fork", "--kill-child", PYTHON, "/usr/bin/gunicorn", "--chdir",
             servers.APPS, "--workers", "1", "--bind", f"127.0.0.1:{port}", "--worker-tmp-dir",
             bench.folder, "--log-level", "error", "shop:app"],
            env=environment(OTEL_SERVICE_NAME="shop"))
        wait_until(lambda: servers.connects(("127.0.0.1", port)), "gunicorn listens")
        (master,) = children(outer.pid)
        (old,) = wait_until(lambda: children(master), "a worker")
        agent = bench.agent("--pid", master)
        client.ask(("127.0.0.1", port), "/ok?id=before")
        os.kill(old, 9)
        wait_until(lambda: children(master) and old not in children(master), "another worker")
        for n in range(5):
            client.ask(("127.0.0.1", port), f"/ok?id=a{n}")
        result = agent.stop()
    result.check_clean()
    ids = ["before", *(f"a{n}" for n in range(5))]
    check_spans(result.spans, {i: {("SERVER", "shop"): 200} for i in ids})


@test("two servers in network namespaces of their own, at the same address and port")
def networks():
    with Bench() as bench:
        out = bench.path("spans")
        script = f"""
ip link set lo up
OTEL_SERVICE_NAME=$1 {PYTHON} {SERVER} 8080 &
while ! curl -s -o /dev/null http://127.0.0.1:8080/ignored; do sleep 0.05; done
for n in 0 1 2 3 4; do curl -s -o /dev/null "http://127.0.0.1:8080/ok?id=$1$n"; done
kill $!
"""
        inner = bench.write("network.sh", script)
        both = f"unshare --net sh {inner} a & unshare --net sh {inner} b & wait"
        run = bench.run(["sh", "-c", f'exec "$@" >{out}', "sh", OTELBPF, "--output", "otlp/stdout",
                         "--ignore", "/ignored", "--", "sh", "-c", both])
        with open(out, encoding="utf-8") as f:
            spans = parse_spans("".join(line for line in f if line.startswith("{")))
    expect("exit status", 0, run.returncode)
    check_spans(spans, {f"{name}{n}": {("SERVER", name): 200, ("CLIENT", "curl"): 200}
                        for name in "ab" for n in range(5)})
    expect("service", "a", one(spans, "a0").service)
    expect_that("lost" not in run.stderr, run.stderr)


if __name__ == "__main__":
    main()

#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""wrk against nginx: every request is one span, and what is not is counted. Each request has an id,
which nginx repeats in its answer: a span that pairs the wrong two shows."""
import glob
import os
import signal
import time

import harness
import servers
from harness import Bench, main, test
from spans import Wrong, check_spans, expect, expect_that, parse_spans

SERVER = ("SERVER", "nginx")
REPEATED = "http.response.header.x-id"


class Load:
    """A running wrk. pause: ms between an answer and the next request; depth: requests in one send."""

    def __init__(self, bench, address, connections, seconds=2, prefix=(), headers=(), pause=0, depth=1):
        self.connections, self.depth, self.folder = connections, depth, bench.path("ids")
        os.makedirs(self.folder, exist_ok=True)
        env = harness.environment(IDS=self.folder + "/t", PAUSE=str(pause), DEPTH=str(depth))
        words = [word for h in headers for word in ("-H", h)]
        self.process = bench.start(
            [*prefix, "wrk", "-t", str(min(2, connections)), "-c", str(connections), "-d",
             f"{seconds}s", "-s", os.path.join(harness.HERE, "ids.lua"), *words,
             "http://%s:%d/ok" % address],
            stdout=harness.subprocess.DEVNULL, stderr=harness.subprocess.PIPE, text=True, env=env)

    def wait(self):
        """{id: status} of all answers, and what it said to standard error."""
        _, said = self.process.communicate(timeout=harness.PATIENCE)
        expect("wrk's exit status", 0, self.process.returncode)
        seen = {}
        for name in glob.glob(self.folder + "/t*"):
            with open(name, encoding="ascii") as f:
                for line in f:
                    id_, status = line.split()
                    expect_that(id_ not in seen, f"wrk saw two answers to {id_}")
                    seen[id_] = int(status)
        expect_that(len(seen) > 200, f"wrk made only {len(seen)} requests")
        return seen, said


def check_pairs(spans):
    """Each span's request and response belong together, and none is there twice."""
    wrong = [s for s in spans if s.attrs.get(REPEATED) not in (None, [s.id])]
    if wrong:
        raise Wrong(f"spans whose response is another request's:\nexpected none\ngot      {wrong[:5]}")
    expect("spans with the same id", len(spans), len({s.id for s in spans}))


def check_load(spans, seen, at_once, kind=SERVER):
    """at_once: so many were on their way when wrk stopped, and may be spans."""
    check_pairs(spans)
    unseen = {s.id for s in spans if s.id not in seen}
    expect_that(len(unseen) <= at_once and all(i.startswith("w") for i in unseen),
                f"spans of requests that wrk did not see: {sorted(unseen)[:20]}")
    check_spans(spans, {id_: {kind: status} for id_, status in seen.items()}, unseen)


def paced(connections, **more):
    with Bench() as bench:
        server = servers.nginx(bench)
        agent = bench.trace(server, args=["--header", "X-Id"])
        load = Load(bench, server.address, connections, **more)
        seen, _ = load.wait()
        result = agent.stop()
    result.check_clean()
    check_load(result.spans, seen, connections * load.depth)


@test("1 connection, 1 ms between requests: each request is one span, no loss")
def paced_one():
    paced(1, pause=1)


@test("16 connections, 5 ms between requests: each request is one span, no loss")
def paced_sixteen():
    paced(16, pause=5)


@test("256 connections, 100 ms between requests: each request is one span, no loss")
def paced_many():
    paced(256, pause=100)


@test("16 connections, four requests in one send: each request is one span, no loss")
def paced_pipeline():
    paced(16, pause=20, depth=4)


def full(connections, output, headers=()):
    with Bench() as bench:
        server = servers.nginx(bench)
        agent = bench.trace(server, args=["--output", output, "--header", "X-Id"], json_output=False)
        seen, _ = Load(bench, server.address, connections, headers=headers).wait()
        result = agent.stop()
        return seen, result, parse_spans(result.stdout)


def all_made(connections, headers=()):
    seen, result, _ = full(connections, "none", headers)
    made = result.counter("span.made")
    expect_that(len(seen) <= made <= len(seen) + connections,
                f"wrk saw {len(seen)} answers; spans made: {made}\n{result.stderr}")
    result.check_clean()


@test("1 connection as fast as it can: as many spans as requests, no loss")
def full_one():
    all_made(1)


@test("16 connections as fast as they can: as many spans as requests, no loss")
def full_sixteen():
    all_made(16)


@test("16 connections, a new one for each request: as many spans as requests, no loss")
def full_closing():
    all_made(16, ["Connection: close"])


@test("16 connections, faster than JSON is written: every span that is missing is counted")
def every_loss_counted():
    seen, result, spans = full(16, "otlp/stdout")
    made, lost = result.counter("span.made"), result.counter("queue.full")
    expect_that(len(seen) <= made <= len(seen) + 16,
                f"wrk saw {len(seen)} answers; spans made: {made}\n{result.stderr}")
    expect("spans written, and those counted as lost", made, len(spans) + lost)
    check_pairs(spans)
    expect_that(len({s.id for s in spans} - set(seen)) <= 16, "spans of requests that wrk did not make")


@test("otelbpf is stopped for 2.5 s under load: losses are counted, no span pairs the wrong two")
def stopped():
    with Bench() as bench:
        server = servers.nginx(bench)
        agent = bench.trace(server, args=["--header", "X-Id"])
        load = Load(bench, server.address, 16, seconds=5, pause=2)
        time.sleep(0.5)
        agent.process.send_signal(signal.SIGSTOP)
        time.sleep(2.5)
        agent.process.send_signal(signal.SIGCONT)
        seen, _ = load.wait()
        result = agent.stop()
    check_pairs(result.spans)
    lost = len(seen) - len(result.spans)
    names = ("kernel.ring_full", "proto.exchange_cut", "queue.full")
    counted = {name: result.counter(name) for name in names}
    print(f"{len(seen)} requests, {lost} without a span; {counted}")
    expect_that(counted["kernel.ring_full"] > 0, f"the ring was not full: {counted}")
    # A request is two records.
    expect_that(lost <= sum(counted.values()), f"{lost} spans are missing, counted: {counted}")
    expect_that("lost: kernel.ring_full" in result.stderr, result.stderr)
    # What came long after the gap is whole again, on the same connections.
    with_span = {s.id for s in result.spans}
    expect("of the last 1600 requests, those without a span", [],
           [i for i in list(seen)[-1616:-16] if i not in with_span])


@test("attached and detached in the middle of 16 busy connections: all requests between are spans")
def in_the_middle():
    with Bench() as bench:
        server = servers.nginx(bench)
        load = Load(bench, server.address, 16, seconds=3, pause=5)
        time.sleep(0.8)
        agent = bench.trace(server, args=["--header", "X-Id"])
        tracing = time.time_ns()  # «otelbpf: tracing» was said
        time.sleep(1)
        result = agent.stop()
        seen, _ = load.wait()
    result.check_clean()
    check_pairs(result.spans)
    expect("spans of requests that wrk did not make", set(), {s.id for s in result.spans} - set(seen))
    for thread in "01":
        numbers = sorted(int(s.id.split("x")[1]) for s in result.spans
                         if s.id[1] == thread and s.start >= tracing)
        expect_that(len(numbers) > 100, f"only {len(numbers)} spans")
        # Its eight connections are not in step at the two ends.
        inner = set(range(numbers[0] + 16, numbers[-1] - 16)) - set(numbers)
        expect(f"requests of thread {thread} missing between {numbers[0]} and {numbers[-1]}", set(), inner)


@test("two otelbpf on the same server see the same")
def two_agents():
    with Bench() as bench:
        server = servers.nginx(bench)
        agents = [bench.trace(server, args=["--header", "X-Id"]) for _ in range(2)]
        seen, _ = Load(bench, server.address, 16, seconds=1, pause=5).wait()
        results = [agent.stop() for agent in agents]
    for result in results:
        result.check_clean()
        check_load(result.spans, seen, 16)


@test("wrk with 16 connections as the traced command: each of its requests is one client span")
def load_client():
    with Bench() as bench:
        server = servers.nginx(bench)
        out = bench.path("spans")
        prefix = ["sh", "-c", f'exec "$@" >{out}', "sh", harness.OTELBPF, "--output", "otlp/stdout",
                  "--header", "X-Id", "--"]
        seen, said = Load(bench, server.address, 16, prefix=prefix, pause=5).wait()
        with open(out, encoding="utf-8") as f:
            spans = parse_spans("".join(line for line in f if line.startswith("{")))
    expect_that("lost:" not in said, said)
    check_load(spans, seen, 16, ("CLIENT", "wrk"))


if __name__ == "__main__":
    main()

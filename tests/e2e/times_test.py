#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Times of spans against the clocks of those who were there: the application and its clients.

A span must lie within what its client saw and cover what its application did; how much room is
between the two is up to the machine, so nothing here is measured against a fixed time.
"""
import statistics
import time

import client
import servers
from harness import Bench, main, test
from spans import MS, expect_that, one

# The wall clock is read by each side for itself, and is disciplined meanwhile.
SLACK = MS


def check_within(what, span, outer, inner):
    """outer ⊇ span ⊇ inner, each (begin, end)."""
    expect_that(outer[0] - SLACK <= span.start and span.end <= outer[1] + SLACK,
                f"{what}: the span {span.start}–{span.end} is not within {outer[0]}–{outer[1]}: by "
                f"{(outer[0] - span.start) / MS:.3f} and {(span.end - outer[1]) / MS:.3f} ms")
    expect_that(span.start <= inner[0] + SLACK and inner[1] - SLACK <= span.end,
                f"{what}: the span {span.start}–{span.end} does not cover {inner[0]}–{inner[1]}: by "
                f"{(span.start - inner[0]) / MS:.3f} and {(inner[1] - span.end) / MS:.3f} ms")


def app_times(answer):
    return int(answer.header("X-Begin")), int(answer.header("X-End"))


def server_spans(make):
    with Bench() as bench:
        server = make(bench)
        agent = bench.trace(server)
        answers = {}
        for n in range(40):
            path = ("/ok?id=", "/slow?n=0.05&id=", "/large?n=300000&id=", "/busy?n=0.02&id=")[n % 4]
            answers[f"a{n}"] = client.ask(server.address, f"{path}a{n}")
        result = agent.stop()
    result.check_clean()
    errors = []
    for id_, answer in answers.items():
        span = one(result.spans, id_)
        begin, end = app_times(answer)
        check_within(id_, span, (answer.begin, answer.end), (begin, end))
        errors.append(span.duration - (end - begin))
    print(f"server span longer than the application's own time by {statistics.median(errors) / MS:.3f} "
          f"ms (median), {max(errors) / MS:.3f} ms (most)")


@test("gunicorn: each server span is within the client's time and covers the application's")
def gunicorn():
    server_spans(servers.gunicorn)


@test("http.server: each server span is within the client's time and covers the application's")
def plain():
    server_spans(servers.plain)


@test("http.client in an application: its client span is within its own clock and covers the server's")
def client_span():
    with Bench() as bench:
        inner = servers.plain(bench)
        outer = servers.gunicorn(bench)
        agent = bench.trace(inner, outer)
        answers = {f"a{n}": client.ask(outer.address, f"/onward?port={inner.address[1]}&id=a{n}")
                   for n in range(30)}
        result = agent.stop()
    result.check_clean()
    errors = []
    for id_, answer in answers.items():
        span, served = one(result.spans, id_, "CLIENT"), one(result.spans, id_, "SERVER", "plain")
        around = one(result.spans, id_, "SERVER", "shop")
        check_within(f"{id_} client", span, app_times(answer), (served.start, served.end))
        check_within(f"{id_} server", around, (answer.begin, answer.end), app_times(answer))
        errors.append(app_times(answer)[1] - app_times(answer)[0] - span.duration)
    print(f"http.client's own time is longer than the span by {statistics.median(errors) / MS:.3f} ms "
          "(median: its connect, its parsing)")


@test("a server that is too busy to read: the span begins when the request came, and says how long it waited")
def read_late():
    with Bench() as bench:
        server = servers.gunicorn(bench, workers=1)
        agent = bench.trace(server)
        first = client.Connection(server.address)
        first.send(first.request("/slow?n=0.4&id=first"))
        time.sleep(0.1)
        begin = time.time_ns()
        answer = client.ask(server.address, "/ok?id=second")
        first.read()
        first.close()
        result = agent.stop()
    result.check_clean()
    span = one(result.spans, "second")
    waited = app_times(answer)[0] - begin
    expect_that(waited > 200 * MS, f"it did not wait: {waited / MS} ms")
    check_within("second", span, (begin, answer.end), app_times(answer))
    told = span.attrs.get("otelbpf.server.read_wait", 0)
    expect_that(waited * 0.9 - 20 * MS <= told <= span.duration,
                f"otelbpf.server.read_wait: expected about {waited / MS:.1f} ms, got {told / MS:.1f} ms")
    expect_that(span.duration >= waited * 0.9, f"the span lasts {span.duration / MS:.1f} ms only, the "
                f"request waited {waited / MS:.1f} ms")


@test("the thread's time on the CPU is what the application used, and not what it slept")
def cpu_time():
    with Bench() as bench:
        server = servers.gunicorn(bench)
        agent = bench.trace(server)
        client.ask(server.address, "/busy?n=0.1&id=busy")
        client.ask(server.address, "/slow?n=0.1&id=slow")
        result = agent.stop()
    busy, slow = one(result.spans, "busy"), one(result.spans, "slow")
    used = busy.attrs["otelbpf.thread.cpu_time"], slow.attrs["otelbpf.thread.cpu_time"]
    expect_that(100 * MS <= used[0] <= 150 * MS and used[1] <= 30 * MS,
                f"expected about 100 ms and 0 ms, got {used[0] / MS:.1f} ms and {used[1] / MS:.1f} ms")


@test("a request whose head comes late begins with its first byte and not with its connection")
def idle_before():
    with Bench() as bench:
        server = servers.plain(bench)
        agent = bench.trace(server)
        connection = client.Connection(server.address)
        answers = {}
        for n in range(3):
            time.sleep(0.2)
            answers[f"a{n}"] = connection.ask(f"/ok?id=a{n}")
        connection.close()
        result = agent.stop()
    result.check_clean()
    for id_, answer in answers.items():
        check_within(id_, one(result.spans, id_), (answer.begin, answer.end), app_times(answer))


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The whole agent over recordings: replay_test.py [--write] AGENT RECORDING...

Each RECORDING has its spans in a file of the same name that ends in .spans, a line each, in the order
in which they ended. --write makes that file. Damaged copies of each must be refused by name, and
crash nothing.
"""
import json
import os
import random
import subprocess
import sys
import tempfile

KINDS = {2: "SERVER", 3: "CLIENT"}
RANDOM_COPIES = 30


def run(agent, *args):
    env = {k: v for k, v in os.environ.items() if not k.startswith("OTEL_")}
    return subprocess.run([agent, "replay", *args], capture_output=True, env=env, timeout=120,
                          check=False)


def value_of(value):
    if "arrayValue" in value:
        return [value_of(v) for v in value["arrayValue"].get("values", [])]
    kind, text = next(iter(value.items()))
    return int(text) if kind == "intValue" else text


def span_line(span, service, first):
    """Everything but ids that are random and times of day."""
    start, end = int(span["startTimeUnixNano"]), int(span["endTimeUnixNano"])
    attrs = {a["key"]: value_of(a["value"]) for a in span["attributes"]}
    parent = span.get("parentSpanId", "")
    if parent:
        attrs["parent"] = span["traceId"] + "/" + parent
    if span.get("traceState"):
        attrs["tracestate"] = span["traceState"]
    status = "ERROR" if span.get("status", {}).get("code") == 2 else "UNSET"
    text = " ".join(f"{k}={json.dumps(v)}" for k, v in sorted(attrs.items()))
    return (f"+{(start - first) // 1000} us, {(end - start) // 1000} us: {service} "
            f"{KINDS[span['kind']]} {json.dumps(span['name'])} {status} {text}")


def lines_of(out):
    spans = []
    for line in out.decode().splitlines():
        for rs in json.loads(line)["resourceSpans"]:
            attrs = {a["key"]: value_of(a["value"]) for a in rs["resource"]["attributes"]}
            spans += [(int(s["endTimeUnixNano"]), s, attrs.get("service.name", "?"))
                      for ss in rs["scopeSpans"] for s in ss["spans"]]
    if not spans:
        return []
    first = min(int(s["startTimeUnixNano"]) for _, s, _ in spans)
    spans.sort(key=lambda x: (x[0], x[1]["kind"], x[1]["name"]))
    return [span_line(s, service, first) for _, s, service in spans]


def report(name, problems):
    print(f"{'FAIL' if problems else 'ok'} {name}")
    for p in problems[:12]:
        print("  " + p)
    sys.stdout.flush()
    return bool(problems)


def compare(got, want):
    problems = []
    for i in range(max(len(got), len(want))):
        a = got[i] if i < len(got) else "(nothing)"
        b = want[i] if i < len(want) else "(nothing)"
        if a != b:
            problems += [f"span {i + 1}", f"  expected {b}", f"  got      {a}"]
    return problems


def gives_its_spans(agent, recording, write):
    expected = recording.removesuffix(".rec") + ".spans"
    with tempfile.NamedTemporaryFile() as stats:
        r = run(agent, recording, "--quiet", "--output", "otlp/stdout", "--stats", stats.name)
        counters = json.load(open(stats.name, encoding="utf-8"))["counters"] if not r.returncode else {}
    got = lines_of(r.stdout)
    if write:
        with open(expected, "w", encoding="utf-8") as f:
            f.write("".join(line + "\n" for line in got))
    with open(expected, encoding="utf-8") as f:
        want = f.read().splitlines()
    problems = compare(got, want)
    if r.returncode or r.stderr:
        problems.append(f"exit status {r.returncode}: {r.stderr.decode()}")
    for name in ("stream.gap", "proto.exchange_cut", "proto.gave_up", "source.bad_record"):
        if counters.get(name):
            problems.append(f"{name} = {counters[name]}, expected 0")
    return problems


def console_has_a_line_per_span(agent, recording):
    r = run(agent, recording, "--quiet", "--output", "console")
    with open(recording.removesuffix(".rec") + ".spans", encoding="utf-8") as f:
        want = len(f.read().splitlines())
    got = len(r.stdout.splitlines())
    return [] if got == want else [f"expected {want} lines, got {got}"]


def expect_refusal(agent, path, data, word):
    with open(path, "wb") as f:
        f.write(data)
    r = run(agent, path, "--quiet", "--output", "none")
    text = r.stderr.decode(errors="replace")
    if r.returncode != 1 or word not in text or len(text.splitlines()) != 1:
        return [f"expected exit status 1 and one line with «{word}»",
                f"got {r.returncode}: {text}"]
    return []


def damaged_copies_are_named(agent, data, path):
    problems = expect_refusal(agent, path, b"GIF89a..", "not a recording")
    problems += expect_refusal(agent, path, data[:-5], "in the middle of a record")
    problems += expect_refusal(agent, path, data[:12] + b"\xff\xff\xff\x7f" + data[16:], "damaged")
    return problems


def damaged_copies_crash_nothing(agent, data, path):
    """Bits flipped anywhere: any answer is fine but a crash, a hang or a sanitizer's report."""
    rng = random.Random(1)
    problems = []
    for i in range(RANDOM_COPIES):
        copy = bytearray(data)
        for _ in range(1 + i):
            copy[rng.randrange(8, len(copy))] ^= 1 << rng.randrange(8)
        with open(path, "wb") as f:
            f.write(copy)
        r = run(agent, path, "--quiet", "--output", ("console", "otlp/stdout")[i % 2])
        if r.returncode not in (0, 1) or b"Sanitizer" in r.stderr or b"runtime error" in r.stderr:
            problems.append(f"copy {i}: exit status {r.returncode}: {r.stderr.decode()[:500]}")
    return problems


def main():
    args = sys.argv[1:]
    write = args[0] == "--write"
    agent, *recordings = args[write:]
    failed = not recordings
    for recording in recordings:
        name = "replay_" + os.path.basename(recording).removesuffix(".rec")
        with open(recording, "rb") as f:
            data = f.read()
        failed |= report(name + "_gives_its_spans", gives_its_spans(agent, recording, write))
        failed |= report(name + "_on_the_console", console_has_a_line_per_span(agent, recording))
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "damaged.rec")
            failed |= report(name + "_damaged_is_named", damaged_copies_are_named(agent, data, path))
            failed |= report(name + "_damaged_crashes_nothing",
                             damaged_copies_crash_nothing(agent, data, path))
    sys.exit(failed)


main()

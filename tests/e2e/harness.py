#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Running otelbpf and what it traces, and comparing spans with what a client really saw.

As a program it says whether this machine can run the layer: exit status 1, and why, when not.
"""
import collections
import contextlib
import glob
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

sys.dont_write_bytecode = True

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
# The traced servers' interpreter: the distribution's, for which its gunicorn is.
PYTHON = "/usr/bin/python3"
OTELBPF = os.environ.get("OTELBPF") or os.path.join(ROOT, os.environ.get("B", "."), "otelbpf")
if not os.path.exists(OTELBPF):
    OTELBPF = os.path.join(ROOT, "otelbpf")
# Generous: a loaded machine must not fail a test, and a hang must end.
PATIENCE = 30
MS = 1_000_000
UNSET, ERROR = 0, 2
KINDS = {2: "SERVER", 3: "CLIENT"}


class Wrong(AssertionError):
    """What was expected and what was got."""


def expect(what, want, got):
    if want != got:
        raise Wrong(f"{what}:\nexpected {short(want)}\ngot      {short(got)}")


def expect_that(holds, text):
    if not holds:
        raise Wrong(text)


def short(value):
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) < 600 else f"{text[:400]} … {text[-150:]} ({len(text)} characters)"


def wait_until(condition, what, seconds=PATIENCE):
    """The first true value of condition()."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Wrong(f"waited {seconds} s in vain: {what}")
        time.sleep(0.01)


def free_port(family=socket.AF_INET):
    with socket.socket(family) as s:
        s.bind(("::1" if family == socket.AF_INET6 else "127.0.0.1", 0))
        return s.getsockname()[1]


def connects(address):
    """True when a server listens there; address: (host, port) or the path of a Unix socket."""
    family = socket.AF_UNIX
    if not isinstance(address, str):
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    with socket.socket(family) as s:
        return s.connect_ex(address) == 0


def environment(**extra):
    """Ours, without what would configure otelbpf or hide the traced program's own name."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("OTEL") and k != "NO_COLOR"}
    env.update(PYTHONDONTWRITEBYTECODE="1", PYTHONUNBUFFERED="1", TZ="UTC")
    env.pop("SUDO_UID", None)
    env.pop("SUDO_GID", None)
    env.update(extra)
    return env


# ---------------------------------------------------------------------------------------------- spans

class Span:
    def __init__(self, raw, resource, scope):
        self.raw, self.resource, self.scope = raw, resource, scope
        self.name, self.kind = raw["name"], KINDS.get(raw["kind"], raw["kind"])
        self.trace_id, self.span_id = raw["traceId"], raw["spanId"]
        self.parent, self.state = raw.get("parentSpanId", ""), raw.get("traceState", "")
        self.flags = raw.get("flags", 0)
        self.start, self.end = int(raw["startTimeUnixNano"]), int(raw["endTimeUnixNano"])
        self.attrs = attributes(raw.get("attributes", []))
        self.status = raw["status"].get("code", UNSET)
        self.service = resource.get("service.name", "")
        self.code = self.attrs.get("http.response.status_code")

    @property
    def duration(self):
        return self.end - self.start

    @property
    def target(self):
        query = self.attrs.get("url.query")
        path = self.attrs.get("url.full", self.attrs.get("url.path", ""))
        return f"{path}?{query}" if query else path

    @property
    def id(self):
        """What stands behind id= in the target, or behind /id/ in its path."""
        for mark in ("id=", "/id/"):
            _, found, rest = self.target.partition(mark)
            if found:
                return rest.split("&")[0].split("/")[0].split("?")[0]
        return ""

    def __repr__(self):
        error = self.attrs.get("error.type", "")
        return f"<{self.kind} {self.service} {self.name} {short(self.target)} {self.code} {error}>"


def plain(value):
    """An AnyValue as a Python value."""
    for key, got in value.items():
        if key == "intValue":
            return int(got)
        if key == "arrayValue":
            return [plain(v) for v in got.get("values", [])]
        return got
    return None


def attributes(pairs):
    out = {p["key"]: plain(p["value"]) for p in pairs}
    expect("attribute keys are unique", len(out), len(pairs))
    return out


def parse_spans(text):
    """The spans of OTLP JSON lines. A last line without its end is not there yet."""
    spans = []
    for line in text.splitlines(keepends=True):
        if not line.endswith("\n"):
            break
        for group in json.loads(line)["resourceSpans"]:
            resource = attributes(group["resource"]["attributes"])
            for scoped in group["scopeSpans"]:
                spans += [Span(raw, resource, scoped) for raw in scoped["spans"]]
    return spans


def by_id(spans):
    out = collections.defaultdict(list)
    for span in spans:
        out[span.id].append(span)
    return out


def one(spans, id_, kind="SERVER", service=None):
    """The only span of that request and kind."""
    found = [s for s in spans if s.id == id_ and s.kind == kind and service in (None, s.service)]
    if len(found) != 1:
        raise Wrong(f"{kind} spans of request {short(id_)}:\nexpected one\ngot      {found}")
    return found[0]


def check_spans(spans, want, maybe=()):
    """want: {id: {(kind, service): status code}}. Each exactly once, and nothing else but those of
    maybe: requests whose answer the client did not wait for."""
    got = by_id(spans)
    wrong = []
    for id_, kinds in want.items():
        have = collections.Counter((s.kind, s.service) for s in got.get(id_, []))
        if have != collections.Counter(list(kinds)):
            wrong.append(f"{id_}: expected {sorted(kinds)}, got {sorted(have.items())}")
            continue
        wrong += [f"{id_} {s.kind}: expected status {kinds[s.kind, s.service]}, got {s!r}"
                  for s in got[id_] if kinds[s.kind, s.service] != s.code]
    strange = [s for id_, found in got.items() if id_ not in want and id_ not in maybe for s in found]
    wrong += [f"a span of no request: {s!r}" for s in strange[:10]]
    if wrong:
        more = [f"… and {len(wrong) - 12} more"] if len(wrong) > 12 else []
        raise Wrong("\n".join([f"{len(want)} requests, {len(spans)} spans"] + wrong[:12] + more))


# ------------------------------------------------------------------------------------------ processes

class Result:
    """What an ended otelbpf left."""

    def __init__(self, agent):
        self.status = agent.process.returncode
        self.stdout, self.stderr = agent.stdout, agent.stderr
        self.stats = None
        with contextlib.suppress(OSError, ValueError):
            with open(agent.stats_file, encoding="utf-8") as f:
                self.stats = json.load(f)
        self.spans = parse_spans(self.stdout) if agent.json else []

    def counter(self, name):
        return self.stats["counters"][name]

    def check_clean(self, allowed=()):
        """It ended well, lost nothing and saw every byte. allowed: losses that the test itself makes."""
        expect("exit status of otelbpf", 0, self.status)
        lost = [line for line in self.stderr.splitlines() if line.startswith("otelbpf: lost: ")
                and line.split()[2] not in allowed]
        expect("losses in the summary", [], lost)
        if "kernel.bytes_missed" not in allowed:
            expect("bytes missed", 0, self.counter("kernel.bytes_missed"))


class Agent:
    """A running otelbpf. json: spans are read from its standard output."""

    def __init__(self, bench, args, json_output=True, env=None, wait=True, program=(OTELBPF,)):
        self.json = json_output
        base = bench.path(f"agent{len(bench.processes)}")
        self.stats_file, self.out_file, self.err_file = base + ".stats", base + ".out", base + ".err"
        command = [*program, "--stats", self.stats_file]
        command += ["--output", "otlp/stdout"] if json_output else []
        command += [str(a) for a in args]
        with open(self.out_file, "wb") as out, open(self.err_file, "wb") as err:
            self.process = bench.start(command, stdout=out, stderr=err, env=env or environment())
        if wait:
            self.wait_tracing()

    @staticmethod
    def _read(name):
        with open(name, encoding="utf-8") as f:
            return f.read()

    @property
    def stdout(self):
        return self._read(self.out_file)

    @property
    def stderr(self):
        return self._read(self.err_file)

    def wait_tracing(self):
        wait_until(lambda: "otelbpf: tracing" in self.stderr or self.process.poll() is not None,
                   "«otelbpf: tracing»")
        expect_that("otelbpf: tracing" in self.stderr, f"otelbpf does not trace, exit status "
                    f"{self.process.poll()}: {self.stderr}")

    def wait_end(self):
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise Wrong(f"otelbpf does not end; it said: {self.stderr}") from None
        return Result(self)

    def stop(self, with_signal=signal.SIGINT):
        """What was answered is written before this is called; its records are in the ring."""
        if self.process.poll() is None:
            self.process.send_signal(with_signal)
        return self.wait_end()


class Bench:
    """A folder and processes that are gone when the block ends: with Bench() as bench."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="otelbpf-e2e.")
        self.processes = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):
            self.end(process)
        shutil.rmtree(self.folder, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, content, mode=0o644):
        with open(self.path(name), "wb") as f:
            f.write(content if isinstance(content, bytes) else content.encode())
        os.chmod(self.path(name), mode)
        return self.path(name)

    def start(self, command, **options):
        """A process that leads its own group: what it leaves behind can be ended with it."""
        options.setdefault("stdin", subprocess.DEVNULL)
        options.setdefault("env", environment())
        process = subprocess.Popen(command, start_new_session=True, **options)
        self.processes.append(process)
        return process

    @staticmethod
    def end(process):
        with contextlib.suppress(ProcessLookupError):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(5)
            # Its group has no other members than its descendants.
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe:
                pipe.close()

    def agent(self, *args, **options):
        return Agent(self, args, **options)

    def trace(self, *processes, **options):
        """otelbpf on these processes; args: further options."""
        pids = ",".join(str(p.pid) for p in processes)
        return Agent(self, [*options.pop("args", []), "--pid", pids], **options)

    def run(self, command, timeout=PATIENCE, **options):
        """A command to its end."""
        process = self.start([str(c) for c in command], stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True, **options)
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            self.end(process)
            raise Wrong(f"{command} does not end in {timeout} s") from None
        return subprocess.CompletedProcess(command, process.returncode, out, err)

    def otelbpf(self, *args, **options):
        return self.run([OTELBPF, *args], **options)


# ---------------------------------------------------------------------------------------------- tests

TESTS = []


def test(name):
    """Registers a function without arguments. The name is a sentence that says what is proved."""
    def register(function):
        TESTS.append((name, function))
        return function
    return register


def report(name, error):
    """One result line; what was expected and got, indented."""
    if error is None:
        print("ok", name, flush=True)
        return True
    if isinstance(error, Wrong):
        text = str(error)
    else:
        text = "".join(traceback.format_exception(error))
    print("FAIL", name)
    for line in text.splitlines():
        print("   ", line)
    sys.stdout.flush()
    return False


def main():
    """Runs the tests of the file whose names contain one of the words on the command line."""
    missing = why_not()
    if missing:
        print(f"skip e2e: {missing}")
        return
    good = True
    for name, function in TESTS:
        if sys.argv[1:] and not any(word in name for word in sys.argv[1:]):
            continue
        try:
            # A test that reports its own parts returns whether all went well.
            result = function()
            good &= result if result is not None else report(name, None)
        except Exception as error:  # pylint: disable=broad-except
            good = report(name, error) and good
    sys.exit(0 if good else 1)


def why_not():
    """What this machine lacks, or None."""
    if os.geteuid() != 0:
        return "needs root"
    if not os.path.exists("/sys/kernel/btf/vmlinux"):
        return "this kernel has no BTF"
    if not os.access(OTELBPF, os.X_OK):
        return f"{OTELBPF} is not built"
    for program in ("nginx", "gunicorn", "curl", "wrk"):
        if not shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin"):
            return f"{program} is not installed: make deps"
    check = subprocess.run([OTELBPF, "check"], capture_output=True, text=True, check=False)
    if check.returncode:
        return "this kernel cannot trace (otelbpf check): " + check.stdout.strip().splitlines()[-1]
    return None


def children(pid):
    """The process ids of its children."""
    out = []
    for name in glob.glob(f"/proc/{pid}/task/*/children"):
        with contextlib.suppress(OSError):
            with open(name, encoding="ascii") as f:
                out += [int(word) for word in f.read().split()]
    return out


if __name__ == "__main__":
    WHY = why_not()
    if WHY:
        print(WHY)
        sys.exit(1)

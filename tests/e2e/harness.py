#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Running otelbpf and what it traces, and comparing spans with what a client really saw.

As a program it says whether this machine can run the layer: exit status 1, and why, when not.
"""
import contextlib
import ctypes
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

from spans import Wrong, expect, expect_that, parse_spans

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
# The traced servers' interpreter: the distribution's, for which its gunicorn is.
PYTHON = "/usr/bin/python3"
OTELBPF = os.path.abspath(os.environ.get("OTELBPF") or
                          os.path.join(ROOT, os.environ.get("B", "."), "otelbpf"))
if not os.path.exists(OTELBPF):
    OTELBPF = os.path.join(ROOT, "otelbpf")
# Generous: a loaded machine must not fail a test, and a hang must end.
PATIENCE = 30


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


LIBC = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


def end_with_us():
    """Between fork and exec: this process is to get SIGTERM when the test is killed."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


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
        process = subprocess.Popen(command, start_new_session=True, preexec_fn=end_with_us, **options)
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
    # So that benches are cleared away.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
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
    # Only what the kernel does not have is a reason; that otelbpf fails on one that has it is not.
    check = subprocess.run([OTELBPF, "check"], capture_output=True, text=True, check=False)
    missing = [line for line in check.stdout.splitlines() if "this kernel has no" in line]
    return missing[0] if check.returncode and missing else None


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

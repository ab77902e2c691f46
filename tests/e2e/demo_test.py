#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""make demo: it shows what it promises, and leaves nothing behind."""
import contextlib
import os
import re
import shutil
import signal

from harness import OTELBPF, ROOT, Bench, environment, main, test, wait_until
from spans import expect, expect_that

RUN = os.path.join(ROOT, "deploy/demo/run")


def processes_of(folder):
    """Processes that work in this folder or were told of it."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                told = folder.encode() in f.read()
            if told or os.readlink(f"/proc/{pid}/cwd").startswith(folder):
                found.append(pid)
    return found


def start(bench, temporary):
    os.mkdir(temporary, 0o755)
    os.chmod(bench.folder, 0o755)
    with open(bench.path("out"), "wb") as out, open(bench.path("err"), "wb") as err:
        return bench.start([RUN, OTELBPF], stdout=out, stderr=err, env=environment(TMPDIR=temporary))


def read(bench, name):
    with open(bench.path(name), encoding="utf-8") as f:
        return f.read()


def check_nothing_left(temporary):
    wait_until(lambda: not processes_of(temporary), "its processes are gone", 10)
    expect("files left", [], os.listdir(temporary))


@test("the demo shows a slow request through all services, a 404 and a 500, and Ctrl-C ends it")
def shows():
    with Bench() as bench:
        temporary = bench.path("tmp")
        demo = start(bench, temporary)
        wanted = [r" 1\.2\d s +200 stock +← GET /inventory ", r" 1\.2\d s +200 shop +→ GET /inventory ",
                  r" 1\.2\d s +200 shop +← GET /report ", r" 1\.2\d s +200 nginx +← GET /report ",
                  r" 404 nginx +← GET /coupons/spring ", r"!503 stock +← GET /reserve ",
                  r"!500 nginx +← GET /checkout ", r" 200 nginx +← GET /orders/\{id\} "]
        wait_until(lambda: all(re.search(w, read(bench, "out")) for w in wanted) or
                   demo.poll() is not None, "all that is promised is shown")
        demo.send_signal(signal.SIGINT)
        expect("exit status", 0, demo.wait(20))
        check_nothing_left(temporary)
        missing = [w for w in wanted if not re.search(w, read(bench, "out"))]
        expect("lines that are missing", [], missing)
        expect_that("% of their bytes seen" in read(bench, "err"), f"no summary: {read(bench, 'err')}")
        expect_that("lost" not in read(bench, "err"), read(bench, "err"))


@test("the demo that is killed with -9 leaves no process behind")
def killed():
    with Bench() as bench:
        temporary = bench.path("tmp")
        demo = start(bench, temporary)
        wait_until(lambda: " GET / " in read(bench, "out"), "the first span")
        demo.kill()
        demo.wait()
        wait_until(lambda: not processes_of(temporary), "its servers are gone", 10)


@test("without root the demo says so in one line")
def no_root():
    with Bench() as bench:
        # The repository need not be readable for everybody.
        os.chmod(bench.folder, 0o755)
        script = shutil.copy(RUN, bench.path("run"))
        run = bench.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", script], cwd="/")
        expect("exit status", 1, run.returncode)
        expect_that(len(run.stderr.splitlines()) == 1 and "root" in run.stderr, run.stderr)


if __name__ == "__main__":
    main()

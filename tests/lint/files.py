# SPDX-License-Identifier: Apache-2.0
"""The files of the repository, and how a check reports: shared by the lints."""
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SKIPPED = {".git", "build", "__pycache__"}


def repository_files():
    """Tracked and new files, without what .gitignore names; all files where there is no git."""
    # safe.directory: root checks what another user checked out.
    git = ["git", "-c", "safe.directory=*", "ls-files", "-co", "--exclude-standard", "-z"]
    try:
        out = subprocess.run(git, cwd=ROOT, check=True, capture_output=True).stdout.decode()
        names = [n for n in out.split("\0") if n]
    except (OSError, subprocess.CalledProcessError):
        names = []
        for top, folders, found in os.walk(ROOT):
            folders[:] = [f for f in folders if f not in SKIPPED]
            names += [os.path.relpath(os.path.join(top, f), ROOT) for f in found]
        names = [n for n in names if n != "otelbpf" and not n.endswith(".pyc")]
    return sorted(n for n in names if os.path.isfile(os.path.join(ROOT, n)))


def read(name):
    with open(os.path.join(ROOT, name), encoding="utf-8", errors="replace") as f:
        return f.read()


def is_text(name):
    with open(os.path.join(ROOT, name), "rb") as f:
        return b"\0" not in f.read(8192)


def interpreter(name):
    """What a script's first line names: sh, bash, python3…"""
    with open(os.path.join(ROOT, name), "rb") as f:
        words = f.readline(200).decode(errors="replace").split()
    if not words or not words[0].startswith("#!"):
        return ""
    return os.path.basename(words[-1] if words[0].endswith("/env") else words[0][2:])


def is_c(name):
    return name.endswith((".c", ".h"))


def is_shell(name):
    return name.endswith(".sh") or interpreter(name) in ("sh", "bash", "dash")


def is_python(name):
    return name.endswith(".py") or interpreter(name).startswith("python")


def command(words):
    """The lines a command prints when it fails; none when it succeeds."""
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode == 0:
        return []
    return (done.stdout + done.stderr).splitlines() or [f"{words[0]}: exit status {done.returncode}"]


def main(checks):
    """Each check is a function that returns what is wrong, a line each. Ends the program."""
    failed = False
    wanted = sys.argv[1:]
    for check in checks:
        name = f"lint_{check.__name__}"
        if wanted and check.__name__ not in wanted:
            continue
        wrong = check()
        failed = failed or bool(wrong)
        print("FAIL" if wrong else "ok", name)
        for line in wrong:
            print("   ", line)
    sys.exit(1 if failed else 0)

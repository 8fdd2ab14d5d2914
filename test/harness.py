# SPDX-License-Identifier: Apache-2.0
"""What the test runners share: running one command to its end, and counting verdicts.

A command runs in a session of its own with a small fixed environment, standard input from a file
or closed, no inherited descriptors and a time limit. Whatever is left of its session afterwards is
killed and counts as a failure of the command: nothing may outlive it.

Launchers: `LAUNCHERS[mode]` is the prefix that puts a program into an enclave with that I/O mode;
the mode `native` has an empty prefix and is the oracle.
"""

import concurrent.futures
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
NO_MATCH = 5
DEFAULT_LAUNCHER = "{build}/cella run -q --io={io}"


def default_signals():
    """Signals that our caller ignores (nohup, a background job) would be ignored by every command."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, lambda *_: None)  # exec makes it the default action again


default_signals()


class Result:
    """How one command ended."""

    def __init__(self, status, out, err, seconds, hang=False, leftover=False):
        self.status = status  # as subprocess: negative is the terminating signal
        self.out = out
        self.err = err
        self.seconds = seconds
        self.hang = hang
        self.leftover = leftover

    def ending(self):
        if self.hang:
            return "hang"
        if self.status < 0:
            try:
                return "signal " + signal.Signals(-self.status).name
            except ValueError:
                return f"signal {-self.status}"
        return f"status {self.status}"


def base_environment(home):
    """The environment that every command sees: fixed, so that outputs can be compared."""
    return {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": home,
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "PYTHONDONTWRITEBYTECODE": "1",
        "XDG_CACHE_HOME": CACHE,
        "XDG_CONFIG_HOME": CONFIG,
    }


def private_homes(build):
    """One cache and key directory for the whole run, inside the build tree, not the user's."""
    global CACHE, CONFIG
    CACHE = os.path.join(build, "test-home", "cache")
    CONFIG = os.path.join(build, "test-home", "config")
    os.makedirs(CACHE, exist_ok=True)
    os.makedirs(CONFIG, exist_ok=True)


CACHE = CONFIG = "/nonexistent"


def session_members(sid):
    """The processes that are still in a session, zombies aside."""
    members = []
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as f:
                fields = f.read().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[0] not in "ZX" and int(fields[3]) == sid:
            members.append(int(name))
    return members


def kill_session(sid):
    for pid in session_members(sid):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def run(command, cwd, env=None, stdin=None, timeout=60, during=None, limit=256 << 20):
    """Runs a command to its end. `during(process)` may interfere with it from outside."""
    environment = base_environment(cwd)
    environment.update(env or {})
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        start = time.monotonic()
        try:
            process = subprocess.Popen(
                command, cwd=cwd, env=environment, stdout=out, stderr=err,
                stdin=subprocess.DEVNULL if stdin is None else stdin,
                start_new_session=True, restore_signals=True)
        except OSError as error:
            return Result(127, b"", f"{command[0]}: {error.strerror}\n".encode(), 0)
        hang = False
        try:
            if during:
                during(process)
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            hang = True
            kill_session(process.pid)
            process.wait()
        seconds = time.monotonic() - start
        leftover = False
        if not hang and session_members(process.pid):
            time.sleep(0.2)
            leftover = bool(session_members(process.pid))
            kill_session(process.pid)
        texts = []
        for stream in (out, err):
            stream.seek(0)
            texts.append(stream.read(limit))
        return Result(process.returncode, texts[0], texts[1], seconds, hang, leftover)


class Launcher:
    """Prefixes for one I/O mode."""

    def __init__(self, template, build, mode):
        self.mode = mode
        self.native = mode == "native"
        text = "" if self.native else template.format(build=build, io=mode)
        self.prefix = shlex.split(text)

    def __call__(self, command):
        return self.prefix + command


def add_arguments(parser):
    parser.add_argument("--build", default=os.path.join(ROOT, "build"), metavar="DIR",
                        help="the build tree (default: build)")
    parser.add_argument("-k", dest="pattern", default="", metavar="PATTERN",
                        help="only tests whose name contains PATTERN (or: a|b)")
    parser.add_argument("--io", default="both", choices=("both", "uring", "threads"))
    parser.add_argument("--launcher", default=DEFAULT_LAUNCHER, metavar="PREFIX",
                        help="put before every command; {build} and {io} are filled in "
                             f"(default: '{DEFAULT_LAUNCHER}'; empty: native again)")
    parser.add_argument("-j", dest="jobs", type=int, default=2)
    parser.add_argument("-v", dest="verbose", action="store_true", help="say why, at length")


def modes(arguments):
    if not arguments.launcher:
        return ["again"]
    return ["uring", "threads"] if arguments.io == "both" else [arguments.io]


def matches(pattern, name):
    return any(part in name for part in pattern.split("|"))


class Tally:
    """One line a test as it ends, and the sum. Thread-safe."""

    def __init__(self, verbose=False):
        self.lock = threading.Lock()
        self.passed = self.failed = self.skipped = 0
        self.verbose = verbose
        self.failures = []

    def report(self, name, problem=None, seconds=None, skip=None):
        """`problem` is None for a pass, else a text of which the first line says what is wrong."""
        took = "" if seconds is None else f" ({seconds:.2f} s)"
        with self.lock:
            if skip:
                self.skipped += 1
                print(f"skip {name}: {skip}")
            elif problem is None:
                self.passed += 1
                print(f"ok   {name}{took}")
            else:
                self.failed += 1
                self.failures.append(name)
                lines = problem.rstrip("\n").split("\n")
                print(f"FAIL {name}: {lines[0]}{took}")
                for line in lines[1:] if self.verbose else lines[1:25]:
                    print(f"     | {line}")
            sys.stdout.flush()

    def summary(self):
        print(f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped")
        return 1 if self.failed or not self.passed + self.skipped else 0


def run_jobs(jobs, count):
    """Runs callables, `count` at a time, in order of start; an exception is raised at the end."""
    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        for future in [pool.submit(job) for job in jobs]:
            future.result()


def fresh_directory(path):
    """An empty directory, whatever was there before."""
    if os.path.lexists(path):
        for folder, names, _ in os.walk(path):
            for name in names:
                inner = os.path.join(folder, name)
                if not os.path.islink(inner):
                    os.chmod(inner, 0o700)
        shutil.rmtree(path)
    os.makedirs(path)
    return path


def need_launcher(launcher):
    """A clear word if what the tests are to run is not there."""
    if launcher.prefix and not shutil.which(launcher.prefix[0]):
        sys.exit(f"{launcher.prefix[0]} is missing: build it first (make)")

# SPDX-License-Identifier: Apache-2.0
"""What the test runners share: running one command to its end, and counting verdicts.

A command runs in a session of its own with a small fixed environment, standard input from a file
or closed, output to files, no inherited descriptors and a time limit. Whatever is left of its
session afterwards is killed and counts as a failure of the command: nothing may outlive it.

Launchers: `LAUNCHERS[mode]` is the prefix that puts a program into an enclave with that I/O mode;
the mode `native` has an empty prefix and is the oracle.
"""

import ctypes
import functools
import os
import select
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
NO_MATCH = 5  # exit status if the pattern picks nothing
TIMEOUT = 30  # seconds a command may take
HEAVY = 60    # seconds for those that are known to take long
PACE_UNIT = 0.0008  # seconds that fork, exec and wait take where these limits were made
PACE_MAX = 3
DEFAULT_LAUNCHER = "{build}/cella run -q --io={io}"


def default_signals():
    """Signals that our caller ignores (nohup, a background job) would be ignored by every command."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, lambda *_: None)  # exec makes it the default action again
    # The C library keeps the first two of real time to itself, and who ignores them hands that down.
    action = ctypes.create_string_buffer(32)  # struct kernel_sigaction: SIG_DFL
    for number in (32, 33):
        ctypes.CDLL(None).syscall(13, number, action, None, 8)  # rt_sigaction


default_signals()


def measure_pace():
    """What starting a process takes here beside where the limits were made, 1 to PACE_MAX."""
    best = PACE_MAX * PACE_UNIT
    for _ in range(5):
        start = time.monotonic()
        for _ in range(10):
            os.waitpid(os.posix_spawn("/bin/true", ["true"], {}), 0)
        best = min(best, (time.monotonic() - start) / 10)
    return max(1.0, best / PACE_UNIT)


@functools.lru_cache(maxsize=None)
def pace():
    """All limits are multiplied by it. CELLA_TEST_PACE: as test/run has measured it, before the tests' own load."""
    return float(os.environ.get("CELLA_TEST_PACE") or measure_pace())


class Result:
    """How one command ended."""

    def __init__(self, status, out, err, seconds, how=None, leftover=False):
        self.status = status  # as subprocess: negative is the terminating signal
        self.out = out
        self.err = err
        self.seconds = seconds
        self.how = how  # why it had to be killed
        self.hang = how is not None
        self.leftover = leftover

    def ending(self):
        if self.hang:
            return f"{self.how} (killed after {self.seconds:.0f} s)"
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


def processes():
    """{pid: (parent, session)} of everything that lives, zombies aside."""
    found = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as f:
                fields = f.read().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[0] not in "ZX":
            found[int(name)] = (int(fields[1]), int(fields[3]))
    return found


def session_members(sid):
    """The processes that are still in a session."""
    return [pid for pid, (_, session) in processes().items() if session == sid]


def family(pid, with_session):
    """The descendants of a process, itself included, and the members of its session."""
    table = processes()
    found = {p for p, (_, session) in table.items() if with_session and session == pid} | {pid}
    grown = True
    while grown:
        more = {p for p, (parent, _) in table.items() if parent in found} - found
        found |= more
        grown = bool(more)
    return found & set(table)


def kill_all(members, rounds=20):
    """Kills what `members()` finds until it finds nothing: children may be born meanwhile."""
    for _ in range(rounds):
        pids = members()
        if not pids:
            return
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.01)


def kill_session(sid):
    """Kills a command that was started in a session of its own, and whatever came of it."""
    kill_all(lambda: family(sid, True))


def kill_descendants(pid):
    """Kills all that a process has started, but not itself."""
    kill_all(lambda: family(pid, False) - {pid})


class OutOfTime(Exception):
    """A unit has used up the time that it may take."""


_mine = threading.local()  # until: when this thread's unit has to be done, on the monotonic clock
_started = {}              # process -> the thread that waits for it


def set_limit(until):
    """What this thread runs from now on ends by then."""
    _mine.until = until


def kill_started(thread):
    """Kills what a thread has started."""
    for pid, owner in list(_started.items()):
        if owner == thread:
            kill_session(pid)


def await_end(process, until, streams, flood):
    """Waits for a process. Returns None, or why it has to be killed."""
    try:
        descriptor = os.pidfd_open(process.pid)
    except OSError:
        descriptor = None
    try:
        while process.poll() is None:
            left = until - time.monotonic()
            if left <= 0:
                return "hang"
            if any(os.fstat(stream.fileno()).st_size > flood for stream in streams):
                return "endless output"
            if descriptor is None:
                time.sleep(min(left, 0.02))
            else:
                select.select([descriptor], [], [], min(left, 0.5))
    finally:
        if descriptor is not None:
            os.close(descriptor)
    return None


def end_session(process, killed):
    """Sees to it that nothing of a command is left. Returns whether something was."""
    leftover = False
    if not killed and session_members(process.pid):
        time.sleep(0.2)
        leftover = bool(session_members(process.pid))
    if killed or leftover:
        kill_session(process.pid)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.returncode = -signal.SIGKILL  # not even that helps: leave it behind
    return leftover


def run(command, cwd, env=None, stdin=None, timeout=TIMEOUT, during=None, limit=256 << 20):
    """Runs a command to its end, which is forced after `timeout` seconds (times pace()) or at the limit of the
    unit, or when it writes more than four times `limit`, of which no more is returned. Output goes
    to files: a process that is left behind cannot hold anything up. `during(process)` may
    interfere from outside."""
    environment = base_environment(cwd)
    environment.update(env or {})
    start = time.monotonic()
    timeout *= pace()
    until = min(start + timeout, getattr(_mine, "until", start + timeout))
    if until <= start:
        raise OutOfTime("the test took too long altogether; the next command would have been "
                        + " ".join(map(str, command))[:300])
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        try:
            process = subprocess.Popen(
                command, cwd=cwd, env=environment, stdout=out, stderr=err,
                stdin=subprocess.DEVNULL if stdin is None else stdin,
                start_new_session=True, restore_signals=True)
        except OSError as error:
            return Result(127, b"", f"{command[0]}: {error.strerror}\n".encode(), 0)
        _started[process.pid] = threading.get_ident()
        how = "interrupted"
        try:
            if during:
                during(process)
            how = await_end(process, until, (out, err), 4 * limit)
        finally:
            seconds = time.monotonic() - start
            leftover = end_session(process, how is not None)
            del _started[process.pid]
        texts = []
        for stream in (out, err):
            stream.seek(0)
            texts.append(stream.read(limit))
        return Result(process.returncode, texts[0], texts[1], seconds, how, leftover)


class Launcher:
    """Prefixes for one I/O mode."""

    def __init__(self, template, build, mode):
        self.mode = mode
        self.native = mode == "native"
        text = "" if self.native else template.format(build=build, io=mode)
        self.prefix = shlex.split(text)
        self.cella = self.prefix[1:2] == ["run"]

    def __call__(self, command, options=()):
        """The command with the prefix before it; options are for `cella run`."""
        return self.prefix + list(options if self.cella else ()) + command


def add_arguments(parser):
    """Options of the suites that run programs in an enclave."""
    add_common(parser)
    parser.add_argument("--io", default="both", choices=("both", "uring", "threads"))
    parser.add_argument("--launcher", default=DEFAULT_LAUNCHER, metavar="PREFIX",
                        help="put before every command; {build} and {io} are filled in "
                             f"(default: '{DEFAULT_LAUNCHER}'; empty: native again)")


def add_common(parser):
    """Options of all suites."""
    parser.add_argument("--build", default=os.path.join(ROOT, "build"), metavar="DIR",
                        help="the build tree (default: build)")
    parser.add_argument("-k", dest="pattern", default="", metavar="PATTERN",
                        help="only tests whose name contains PATTERN (or: a|b)")
    parser.add_argument("-j", dest="jobs", type=int, metavar="N",
                        default=min(8, len(os.sched_getaffinity(0))),
                        help="tests at a time (default: one a CPU)")
    parser.add_argument("-v", dest="verbose", action="store_true", help="say why, at length")


def modes(arguments):
    if not arguments.launcher:
        return ["again"]
    return ["uring", "threads"] if arguments.io == "both" else [arguments.io]


def matches(pattern, name):
    return any(part in name for part in pattern.split("|"))


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

# SPDX-License-Identifier: Apache-2.0
"""Python's own test suite (libpython3.11-testsuite): the verdict of every single test as natively.

Where it is not, python/differences.txt names the test and says why. A name there that no test has,
or whose verdict is the native one after all, is an error: the list only shrinks.
"""

import os
import threading

import harness
import schedule

SUITE = "/usr/lib/python3.11/test/test_threading.py"
REASONS = ()  # there are no differences now
# What takes long natively too: waits of seconds, a loop of four, a thousand rounds, a hundred processes.
SLOW = ["-TestWait", "-TestResourceTracker", "-test_thread_safety", "-test_thousand",
        "-test_many_processes"]
GROUPS = {
    "threading": ["test_threading"],
    "signal": ["test_signal"],
    # Two tests of test_time would set the clock of the machine that they run on natively.
    "events": ["test_time", "-clock_settime", "-monotonic_settime", "test_select", "test_epoll",
               "test_thread", "test_threadsignals"],
    "queue": ["test_queue"],
    "pty": ["test_pty", "test_openpty"],
    # No file system here has extended attributes (kernel/vfs/name/xattr.c); /tmp may have some natively.
    "processes": ["test_os", "test_posix", "test_fork1", "test_wait3", "test_wait4", "test_mmap",
                  "test_fcntl", "-ExtendedAttributeTests"],
    # What is left out is all of it once more, with select.
    "subprocess": ["test_subprocess", "-ProcessTestCaseNoPoll"],
    # VSOCK waits for ever where the host has none; the others wait for seconds.
    "sockets": ["test_socket", "-VSOCK", "-NetworkConnectionBehaviourTest", "-testReadAfterTimeout",
                "-InterruptedTimeout", "-sendall_interrupted"],
    # WithThreads has the same tests with threads of one process. A message to a manager and back is
    # two changes of turns, a millisecond or more: its pools and barriers take half a minute.
    "multiprocessing-fork": ["test_multiprocessing_fork", "-WithThreads", "-WithManager", "-TestPoll",
                             "-TestSyncManagerTypes", *SLOW],
    "multiprocessing-manager": ["test_multiprocessing_fork.WithManagerTest" + name for name in (
        "Containers", "Event", "Lock", "ManagerRestart", "MyManager", "Queue", "RemoteManager",
        "Semaphore", "Value")],
    # Each process is a new Python: 50 ms or more.
    "multiprocessing-spawn": ["test_multiprocessing_spawn", "-WithThreads", "-WithManager", "-TestPoll",
                              "-TestSyncManagerTypes", "-TestBarrier", "-TestCondition", "-TestFinalize",
                              "-TestPool", *SLOW],
    # Those left out take 40 seconds to find no leak, and 10 in recursion to a depth.
    "asyncio": ["test_asyncio." + name for name in (
        "test_tasks", "test_queues", "test_locks", "test_runners", "test_pep492", "test_timeouts",
        "test_protocols", "test_threads", "test_waitfor")]
               + ["-del_collect", "-test_cancel_gather_2"],
    "asyncio-sockets": ["test_asyncio." + name for name in (
        "test_streams", "test_server", "test_base_events", "test_selector_events",
        "test_unix_events", "test_sock_lowlevel")],
    "asyncio-sendfile": ["test_asyncio.test_sendfile", "test_asyncio.test_buffered_proto"],
}


class Group:
    """Some modules, run natively once."""

    def __init__(self, names):
        self.names = names
        self.lock = threading.Lock()
        self.native = None

    def run(self, context, launcher, leave_out=()):
        """The verdicts by name, and the result of the run."""
        command = ["/usr/bin/python3", os.path.join(context.dir, "python", "verdicts.py"),
                   *self.names, *("-" + name for name in leave_out)]
        result = context.run(launcher(command), timeout=harness.HEAVY)
        verdicts = {}
        with open(os.path.join(context.scratch, "verdicts"), encoding="utf-8") as f:
            for line in f:
                name, verdict, *_ = line.split()
                verdicts[name.removeprefix("test.")] = verdict
        return verdicts, result

    def native_verdicts(self, context):
        with self.lock:
            if not self.native:
                verdicts, result = self.run(context, lambda command: command)
                if "all" not in verdicts or result.hang:
                    raise ValueError(f"natively {result.ending()} {result.err[-500:]!r}")
                self.native = verdicts
            return self.native


def differences(context):
    """{name: (reason, whether to run it at all)} of the list."""
    found = {}
    path = os.path.join(context.dir, "python", "differences.txt")
    with open(path, encoding="utf-8") as f:
        for line in f:
            name, _, reason = line.strip().partition(" ")
            if not name or name.startswith("#"):
                continue
            assert reason.strip() in REASONS, f"{path}: {name}: {reason.strip()} is no reason"
            assert name.lstrip("-") not in found, f"{path}: {name} is there twice"
            found[name.lstrip("-")] = (reason.strip(), not name.startswith("-"))
    return found


def compare(names, native, enclave, listed):
    """What is wrong, as lines."""
    problems = []
    for name, want in sorted(native.items()):
        got = enclave.get(name, "no verdict")
        if want in ("failed", "error", "begun"):
            continue  # the oracle has none either
        if name in listed and not listed[name][1]:
            continue
        if name in listed and got == want:
            problems.append(f"{name}: {got} as natively: it has no place in differences.txt any more")
        elif name not in listed and got != want:
            problems.append(f"{name}: {got}, natively {want}")
    modules = tuple(name + "." for name in names)
    problems += [f"{name}: listed in differences.txt, but there is no such test"
                 for name in listed if name.startswith(modules) and name not in native]
    return problems


def check(group, context):
    if not os.path.exists(SUITE):
        raise schedule.Skip("libpython3.11-testsuite is not here")
    listed = differences(context)
    native = group.native_verdicts(context)
    left_out = [name for name, (_, run) in listed.items() if not run]
    verdicts, result = group.run(context, context.launcher, left_out)
    problems = compare(group.names, native, verdicts, listed)
    if problems or result.hang:
        text = (result.out + result.err).decode("utf-8", "replace")
        return "\n".join([f"{result.ending()}, {len(problems)} verdicts", text[-1500:]]
                         + problems[:40])
    return schedule.Verdict(passed=1)


def make_tests():
    for name, names in GROUPS.items():
        group = Group(names)

        def test(context, group=group):
            return check(group, context)

        test.limit = 2 * harness.HEAVY + 20
        yield name, test


def test_list(context):
    """Every name of the list belongs to a module that is run."""
    modules = tuple(n + "." for names in GROUPS.values() for n in names)
    return "\n".join(f"{name}: its module is not run" for name in differences(context)
                     if not name.startswith(modules)) or None


TESTS = list(make_tests()) + [("list", test_list)]

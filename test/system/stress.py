# SPDX-License-Identifier: Apache-2.0
"""stress-ng, as Debian ships it: two processes or threads use one thing for a second, and verify what they get.

Each stressor runs natively first; one that the machine does not let run there says nothing here. What root must
not do is done by another user, in both."""

import os
import re
import threading

import harness
import schedule

SECONDS = 1
STRESSORS = ["futex", "sem", "pthread", "sigfd", "sigq", "sigfpe", "sigsegv", "sigpending", "sigsuspend",
             "sigtrap", "sigabrt", "sigio", "sigrt", "sigchld", "signest", "sigpipe", "timer", "timerfd",
             "eventfd", "epoll", "pipe", "aio", "clock", "switch", "yield", "membarrier", "fork", "vfork",
             "exec", "spawn", "zombie", "shm", "shm-sysv", "sem-sysv", "mq", "msg", "lockf", "flock", "fifo"]
NOT_ROOT = {"exec", "spawn"}
FILES = {"aio", "exec", "fifo", "flock", "lockf"}  # what also depends on how the host is asked
# Its writer may fill the pipe before the signal is asked for, and then nothing ever happens.
MAY_BE_IDLE = {"sigio"}
USER = ["/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
BAD = re.compile(r"^stress-ng: (error|fail|warn)", re.M)
NATIVE = {}  # what each said natively: asked once
LOCK = threading.Lock()


def problem(name, result):
    """None, or what is wrong with a run."""
    text = result.out.decode("utf-8", "replace") + result.err.decode("utf-8", "replace")
    done = re.search(rf"metrc: \[\d+\] {name} +(\d+) ", text)
    if result.status != 0:
        return f"{result.ending()}: {text[-1000:]}"
    if BAD.search(text) or "successful run completed" not in text:
        return text[-1000:]
    if not done or (not int(done.group(1)) and name not in MAY_BE_IDLE):
        return "nothing was done: " + text[-1000:]
    return None


def stressor(name):
    command = ["/usr/bin/stress-ng", "--" + name, "2", "--verify", "--metrics-brief", "--timeout", str(SECONDS)]
    if name in NOT_ROOT and os.geteuid() == 0:
        command = USER + command

    def run(context, launcher):
        folder = harness.fresh_directory(os.path.join(context.scratch, "work"))
        os.chmod(folder, 0o777)
        return problem(name, context.run(launcher(command), cwd=folder))

    def native(context):
        with LOCK:
            if name not in NATIVE:
                NATIVE[name] = run(context, harness.Launcher("", "", "native"))
            return NATIVE[name]

    def test(context):
        if context.mode == "threads" and name not in FILES:
            raise schedule.Skip("nothing here depends on how the host is asked")
        wrong = native(context)
        if wrong:
            raise schedule.Skip(f"not natively: {wrong[-300:]}")
        wrong = run(context, context.launcher)
        assert not wrong, wrong

    return test


TESTS = [(name, stressor(name)) for name in STRESSORS]

# SPDX-License-Identifier: Apache-2.0
"""Signals seen from outside: how programs end by them, and which of the host's get in."""

import os
import select
import signal
import subprocess

import bundles
import harness

STOPS = {signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU}
HOWS = ["overflow", "overflow-handler", "overflow-alternate", "fault-blocked", "fault-ignored",
        "fault-blocked-handler", "stackless", "stackless-handler", "stackless-alternate",
        "sigreturn", "sigreturn-handler", "sigreturn-mapped", "sigreturn-mapped-alternate", "twice"]


def same_ending(context, arguments):
    command = [os.path.join(context.programs, "die"), *arguments]
    native, enclave = (context.run(prefix + command, timeout=20)
                       for prefix in ([], context.launcher.prefix))
    assert (native.status, native.out) == (enclave.status, enclave.out), \
        f"{arguments}: natively {native.ending()} {native.out}, " \
        f"in the enclave {enclave.ending()} {enclave.out} {enclave.err}"


def test_defaults(context):
    """What each signal does to a program that has not asked for it."""
    for number in range(1, 65):
        if number not in STOPS:
            same_ending(context, ["signal", str(number)])


def test_forced(context):
    """Faults and frames that cannot be handled."""
    for how in HOWS:
        same_ending(context, [how])


class Bundle:
    """A signed program that says which signals come."""

    def __init__(self, context, extra):
        program = os.path.join(context.programs, "jobs")
        text = bundles.manifest(program, ["jobs", "signals"],
                                bundles.C_RUNTIME + ["file:" + program], mounts=[context.programs])
        bundle = bundles.signed(context.build, text + extra, context.scratch)
        self.process = subprocess.Popen(
            context.enclave([]) + [bundle], cwd=context.scratch, bufsize=0, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
            env=harness.base_environment(context.scratch))
        assert self.line() == b"ready\n", self.end()

    def line(self, timeout=20):
        """The next line, or None when none comes in time."""
        if not select.select([self.process.stdout], [], [], timeout)[0]:
            return None
        return self.process.stdout.readline()

    def send(self, number):
        self.process.send_signal(number)

    def end(self):
        """Ends it from inside; what else it said, and its status."""
        try:
            rest = self.process.communicate(b"end\n", timeout=20)[0]
        finally:
            harness.kill_session(self.process.pid)
            self.process.wait()
        return rest, self.process.returncode


def test_host_none(context):
    """Nothing is let in: a signal does to the host process what is its default."""
    b = Bundle(context, "")
    b.send(signal.SIGWINCH)
    b.send(signal.SIGUSR1)
    rest, status = b.end()
    assert (rest, status) == (b"", -signal.SIGUSR1), (rest, status)


def test_host_some(context):
    b = Bundle(context, '[cella]\nhost_signals = ["SIGUSR1", "SIGTERM"]\n')
    for _ in range(3):
        b.send(signal.SIGWINCH)
        b.send(signal.SIGUSR1)
        assert b.line() == b"SIGUSR1\n"
        b.send(signal.SIGTERM)
        assert b.line() == b"SIGTERM\n"
    rest, status = b.end()
    assert (rest, status) == (b"got end\n", 0), (rest, status)


def test_host_one_sigterm(context):
    b = Bundle(context, "[sys]\nenable_sigterm_injection = true\n")
    b.send(signal.SIGTERM)
    assert b.line() == b"SIGTERM\n"
    b.send(signal.SIGTERM)
    assert b.line(0.3) is None
    rest, status = b.end()
    assert (rest, status) == (b"got end\n", 0), (rest, status)


def test_host_unknown(context):
    program = os.path.join(context.programs, "jobs")
    text = bundles.manifest(program, ["jobs", "signals"],
                            bundles.C_RUNTIME + ["file:" + program], mounts=[context.programs])
    for names in ('["SIGKILL"]', '["SIGSEGV"]', '"SIGINT"', "[1]"):
        path = os.path.join(context.scratch, "bad.manifest")
        with open(path, "w", encoding="utf-8") as f:
            f.write(text + f"[cella]\nhost_signals = {names}\n")
        result = context.run([os.path.join(context.build, "cella"), "sign", path])
        assert result.status > 0 and b"host_signals" in result.err, (names, result.err)


TESTS = [(name[5:].replace("_", "-"), function) for name, function in list(globals().items())
         if name.startswith("test_")]

#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of the test runner itself: no test, however it misbehaves, may stop or mislead a run."""

import importlib.machinery
import importlib.util
import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
import unittest

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, HERE)
import harness  # noqa: E402
import schedule  # noqa: E402

SHORT = 0.5


def shell(text, **rest):
    rest.setdefault("timeout", SHORT)
    return harness.run(["/bin/sh", "-c", text], tempfile.gettempdir(), **rest)


def alive(pid):
    return pid in harness.processes()


class Commands(unittest.TestCase):
    """harness.run comes back, and nothing is left."""

    def test_plain(self):
        result = shell("echo out; echo err >&2; exit 3", timeout=20)
        self.assertEqual((result.status, result.out, result.err, result.hang, result.leftover),
                         (3, b"out\n", b"err\n", False, False))

    def test_hang(self):
        result = shell("echo begun; sleep 100")
        self.assertTrue(result.hang)
        self.assertEqual(result.out, b"begun\n")
        self.assertIn("hang", result.ending())

    def test_ignores_sigterm(self):
        self.assertTrue(shell("trap '' TERM INT HUP; while :; do sleep 100; done").hang)

    def test_stopped(self):
        self.assertTrue(shell("kill -STOP $$").hang)

    def test_grandchild_keeps_output_open(self):
        result = shell("sleep 100 & echo $!", timeout=20)
        self.assertFalse(result.hang)
        self.assertTrue(result.leftover)
        self.assertFalse(alive(int(result.out)))

    def test_grandchild_in_its_own_session(self):
        """As long as its parent lives it is found; an orphan is, when the run ends."""
        result = shell("setsid sleep 100 & echo $!; sleep 100")
        self.assertTrue(result.hang)
        time.sleep(0.1)
        self.assertFalse(alive(int(result.out)))

    def test_flood(self):
        start = time.monotonic()
        result = shell("exec cat /dev/zero", timeout=60, limit=1 << 20)
        self.assertEqual((result.how, len(result.out)), ("endless output", 1 << 20))
        self.assertLess(time.monotonic() - start, 30)

    def test_forks_while_killed(self):
        result = shell("f() { while :; do sleep 100 & sleep 0.01; done; }; f & f & wait")
        self.assertTrue(result.hang)

    def test_interrupted_from_outside(self):
        def during(_):
            raise ValueError("on purpose")

        with self.assertRaises(ValueError):
            shell("sleep 100", during=during)
        self.assertFalse([p for p in harness.family(os.getpid(), False) if p != os.getpid()])

    def test_absent(self):
        self.assertEqual(harness.run(["/absent"], "/").status, 127)

    def test_limit_of_the_unit(self):
        harness.set_limit(time.monotonic() + 0.3)
        try:
            self.assertTrue(shell("sleep 100", timeout=50).hang)
            with self.assertRaises(harness.OutOfTime):
                shell("true", timeout=50)
        finally:
            harness.set_limit(time.monotonic() + 3600)

    def test_signals_are_default(self):
        result = subprocess.run(
            ["/bin/sh", "-c", "trap '' INT HUP TERM QUIT PIPE; exec \"$@\"", "sh", sys.executable,
             "-c", f"import sys; sys.path.insert(0, {HERE!r}); import harness; "
             "r = harness.run(['/bin/grep', '^Sig[IB]', '/proc/self/status'], '/'); "
             "print(r.out.decode())"], check=True, capture_output=True, text=True, timeout=60)
        own = 3 << 31  # 32 and 33 are the C library's: no program can change what it inherits there
        masks = [int(line.split()[1], 16) & ~own for line in result.stdout.split("\n") if line]
        self.assertEqual(masks, [0, 0], result.stdout)


SCRIPT = """
import os, sys, time, threading
sys.path.insert(0, {here!r})
import harness, schedule
from schedule import Unit, Verdict, Skip
schedule.SILENCE = 1
schedule.STUCK = 1
def shell(text, **rest):
    r = harness.run(["/bin/sh", "-c", text], "/", **rest)
    return None if r.status == 0 and not r.hang and not r.leftover else r.ending()
def good(): return None
def bad(): return "it is bad\\n" + "\\n".join("line %d" % i for i in range(100))
first = []
def flaky():
    first.append(1)
    return "flaky" if len(first) == 1 else None
def skipped(): raise Skip("no reason")
def broken(): raise RuntimeError("broken test")
def stuck():
    while True: time.sleep(1)
"""


class Runs(unittest.TestCase):
    """A list of units always comes to its end, with a sum that is right."""

    def play(self, units, jobs=2, seconds=60):
        """Runs units of SCRIPT's functions. Returns (status, lines, seconds taken)."""
        text = textwrap.dedent(SCRIPT.format(here=HERE))
        text += f"schedule.run_units({units}, {jobs})\n"
        environment = os.environ | {"CELLA_TEST_SECONDS": str(seconds)}
        for name in ("CELLA_TEST_DEADLINE", "CELLA_TEST_RESULTS"):
            environment.pop(name, None)
        with tempfile.TemporaryFile() as out:
            start = time.monotonic()
            process = subprocess.Popen([sys.executable, "-c", text], stdout=out, stderr=out,
                                       stdin=subprocess.DEVNULL, env=environment)
            try:
                status = process.wait(25)
            finally:
                process.kill()
                process.wait()
            out.seek(0)
            return status, out.read().decode().splitlines(), time.monotonic() - start

    def test_sum(self):
        status, lines, _ = self.play("[Unit('a', good), Unit('b', lambda: Verdict(passed=7)), "
                                     "Unit('c', skipped)]")
        self.assertEqual((status, lines[-1]), (0, "8 passed, 0 failed, 1 skipped"), lines)

    def test_failed_are_listed(self):
        status, lines, _ = self.play("[Unit('a', good), Unit('b', bad), Unit('c', broken)]")
        self.assertEqual((status, lines[-1]), (1, "1 passed, 2 failed, 0 skipped"), lines)
        at = lines.index("FAILED b: it is bad")
        self.assertEqual(lines[at + 1:at + 21], [f"     | line {i}" for i in range(80, 100)])
        self.assertIn("FAILED c: RuntimeError: broken test", lines)

    def test_second_try(self):
        status, lines, _ = self.play("[Unit('a', flaky), Unit('b', good)]")
        self.assertEqual((status, lines[-2:]), (0, ["passed alone at second try: a",
                                                    "2 passed, 0 failed, 0 skipped"]), lines)

    def test_too_many_second_tries(self):
        flaky = ("[Unit(str(i), lambda s=[]: s.append(1) or ('x' if len(s) == 1 else None))"
                 " for i in range(%d)]")
        self.assertEqual(self.play(flaky % schedule.RETRIES)[0], 0)
        status, lines, _ = self.play(flaky % (schedule.RETRIES + 1))
        self.assertEqual((status, lines[-1]), (1, "9 passed, 1 failed, 0 skipped"), lines)

    def test_stuck_function(self):
        status, lines, _ = self.play("[Unit('s', stuck, 1), Unit('t', stuck, 1)]"
                                     " + [Unit('g%d' % i, good) for i in range(10)]")
        self.assertEqual((status, lines[-1]), (1, "10 passed, 2 failed, 0 skipped"), lines)
        self.assertIn("FAILED s: stuck, and given up", lines)

    def test_stuck_command(self):
        """A unit's limit ends what it runs, whatever that one's own limit is."""
        status, lines, took = self.play("[Unit('s', lambda: shell('sleep 100'), 1),"
                                        " Unit('g', good)]")
        self.assertEqual((status, lines[-1]), (1, "1 passed, 1 failed, 0 skipped"), lines)
        self.assertLess(took, 20)

    def test_deadline(self):
        status, lines, took = self.play("[Unit('s%d' % i, lambda: shell('trap \"\" TERM; sleep 100'))"
                                        " for i in range(20)] + [Unit('t', stuck)]", seconds=2)
        self.assertEqual((status, lines[-1]), (1, "0 passed, 21 failed, 0 skipped"), lines)
        self.assertTrue(lines[-2].startswith(f"FAILED, because {schedule.OVER}: 21 tests: s0, s1"))
        self.assertLess(took, 20)

    def test_silence(self):
        _, lines, _ = self.play("[Unit('quiet', lambda: time.sleep(2.5)), Unit('b', good)]")
        self.assertTrue([s for s in lines if s.startswith("... ") and "running: quiet" in s], lines)

    def test_orphans(self):
        """What fled from its session and lost its parent dies with the run."""
        with tempfile.NamedTemporaryFile("r") as name:
            self.play(f"[Unit('o', lambda: shell('(setsid sleep 100 & echo $! >{name.name})'))]")
            self.assertFalse(alive(int(name.read())))


class Orchestra(unittest.TestCase):
    """test/run itself over a suite that does not end, or says nothing."""

    def follow(self, script, deadline=60):
        loader = importlib.machinery.SourceFileLoader("orchestra", os.path.join(HERE, "run"))
        run = importlib.util.module_from_spec(importlib.util.spec_from_loader("orchestra", loader))
        loader.exec_module(run)
        with tempfile.TemporaryDirectory() as folder:
            run.GRACE = 1
            suite = run.Suite("suite", ["/bin/sh", "-c", script], time.monotonic() + deadline,
                              os.path.join(folder, "results"))
            return suite.verdict("")

    def test_pipe_held_open(self):
        start = time.monotonic()
        verdict = self.follow("setsid sleep 5 & exit 0")
        self.assertEqual((verdict["failed"], verdict["passed"]), (0, 0))
        self.assertLess(time.monotonic() - start, 4)

    def test_no_end(self):
        verdict = self.follow("trap '' TERM; while :; do sleep 1; done", 0.5)
        self.assertEqual(verdict["failed"], 1)

    def test_no_result(self):
        verdict = self.follow("exit 3")
        self.assertEqual(verdict["failures"], [["suite", "the suite ended with 3"]])


if __name__ == "__main__":
    signal.alarm(120)
    schedule.adopt_orphans()
    result = unittest.main(exit=False).result
    bad = len(result.failures) + len(result.errors)
    print(f"{result.testsRun - bad} passed, {bad} failed, {len(result.skipped)} skipped")
    sys.exit(bool(bad))

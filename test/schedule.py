# SPDX-License-Identifier: Apache-2.0
"""Runs many tests side by side so that none of them can stop the run.

A unit is one test: a function that returns None (passed), a text (what is wrong, first line first) or
a Verdict, or raises Skip. Units run on worker threads, `jobs` at a time, in the order of the list.
What a unit starts through `harness.run` ends with the unit's limit at the latest; a unit that is stuck
elsewhere is given up a little later, and its thread with it. Failed units run once more, alone, at the
end: one that then passes counts as passed but is named, and more than RETRIES of them are a failure.
At the deadline of the whole run (CELLA_TEST_DEADLINE, on the monotonic clock; test/run sets it)
everything that runs is killed, and what has not run counts as failed.

Verdicts go to the file CELLA_TEST_RESULTS if that is set, else a list of the failed tests with the end
of what each said closes the output. The last line is `N passed, N failed, N skipped`.
"""

import ctypes
import json
import os
import sys
import threading
import time
import traceback

import harness

RETRIES = 8        # more units than these at a second try are no accident
SILENCE = 30       # seconds without a line, after which there is one that says what goes on
STUCK = 20         # seconds past its limit after which a unit is given up
TAIL = 20          # lines of each failed test in the closing list
SECONDS = 1200     # the whole run, unless CELLA_TEST_SECONDS says otherwise
OVER = "the time of the whole run was over"


class Skip(Exception):
    """This test cannot run here, and why."""


class Verdict:
    """How one unit ended; `passed` counts the tests inside it."""

    def __init__(self, problem=None, skip=None, passed=1, failed=1, skipped=0):
        self.problem = problem
        self.skip = skip
        self.passed = passed
        self.failed = failed if problem is not None else 0
        self.skipped = skipped
        self.seconds = 0.0


class Unit:
    """One test: its name, its function, and how many seconds (times harness.pace()) it may take altogether."""

    def __init__(self, name, function, limit=60):
        self.name = name
        self.function = function
        self.limit = limit * harness.pace()
        self.verdict = None
        self.started = None
        self.thread = None


def run_deadline():
    """When the whole run ends, on the monotonic clock."""
    text = os.environ.get("CELLA_TEST_DEADLINE")
    if text:
        return float(text)
    return time.monotonic() + float(os.environ.get("CELLA_TEST_SECONDS") or SECONDS)


def tail(problem, lines=TAIL):
    """The first line of a problem and the last ones."""
    first, *rest = problem.rstrip("\n").split("\n")
    return [first] + rest[-lines:]


def print_failures(failures):
    """The closing list: each failed test with the end of what it said."""
    unrun = [name for name, problem in failures if problem == OVER]
    shown = [(name, problem) for name, problem in failures if problem != OVER]
    for name, problem in shown:
        first, *rest = tail(problem)
        print(f"FAILED {name}: {first}")
        for line in rest:
            print(f"     | {line[:300]}")
    if unrun:
        print(f"FAILED, because {OVER}: {len(unrun)} tests: {', '.join(unrun)}")


def print_second_tries(names):
    """The tests that only passed alone. True if there are too many of them."""
    if names:
        print(f"passed alone at second try: {', '.join(names)}")
    if len(names) > RETRIES:
        print(f"that is {len(names)} tests, more than {RETRIES}: a failure")
    return len(names) > RETRIES


class Schedule:
    """A list of units, run to their verdicts. All fields below `lock` belong to it."""

    def __init__(self, units, jobs, verbose=False):
        self.units = units
        self.jobs = max(1, jobs)
        self.verbose = verbose
        self.deadline = run_deadline()
        self.begin = self.last_line = time.monotonic()
        self.lock = threading.Lock()
        self.waiting = list(units)
        self.running = []
        self.alone = []

    # One unit.

    def say(self, text):
        with self.lock:
            self.last_line = time.monotonic()
            print(text, flush=True)

    def attempt(self, unit):
        """Runs a unit's function on this thread. Returns the verdict."""
        harness.set_limit(min(unit.started + unit.limit, self.deadline))
        try:
            result = unit.function()
            verdict = result if isinstance(result, Verdict) else Verdict(result)
        except Skip as reason:
            verdict = Verdict(skip=str(reason), passed=0, skipped=1)
        except harness.OutOfTime as error:
            verdict = Verdict(str(error))
        except Exception as error:  # whatever it is, it is this test's
            words = traceback.format_exc().rstrip().split("\n")
            verdict = Verdict("\n".join([f"{type(error).__name__}: {error}"] + words[-8:]))
        if verdict.problem is not None and time.monotonic() >= self.deadline:
            verdict.problem = OVER
        return verdict

    def close(self, unit, thread, verdict):
        """Takes a verdict, unless the unit was given up meanwhile. Returns whether it was taken."""
        with self.lock:
            if unit.thread is not thread:
                return False
            verdict.seconds = time.monotonic() - unit.started
            unit.verdict = verdict
            unit.thread = None
            self.running.remove(unit)
        self.report(unit)
        return True

    def report(self, unit):
        verdict, took = unit.verdict, f" ({unit.verdict.seconds:.2f} s)"
        if verdict.skip:
            self.say(f"skip {unit.name}: {verdict.skip}")
        elif verdict.problem is None:
            many = f": {verdict.passed} tests" if verdict.passed != 1 else ""
            self.say(f"ok   {unit.name}{many}{took}")
        else:
            first, *rest = verdict.problem.rstrip("\n").split("\n")
            shown = rest if self.verbose else rest[:25]
            self.say("\n".join([f"FAIL {unit.name}: {first}{took}"]
                               + [f"     | {line}" for line in shown]))

    def take(self):
        """The next unit, marked as running on this thread; None when there is nothing left to do."""
        with self.lock:
            if not self.waiting or time.monotonic() >= self.deadline:
                return None
            unit = self.waiting.pop(0)
            unit.started = time.monotonic()
            unit.thread = threading.current_thread()
            self.running.append(unit)
            return unit

    def work(self):
        """A worker: units one after the other, until there are none or this thread was given up."""
        unit = self.take()
        while unit and self.close(unit, threading.current_thread(), self.attempt(unit)):
            unit = self.take()

    # All of them.

    def start_worker(self):
        thread = threading.Thread(target=self.work, daemon=True)
        thread.start()
        return thread

    def overdue(self):
        """Units that are past their end, each with whether to give it up."""
        now = time.monotonic()
        with self.lock:
            ends = [(u, min(u.started + u.limit, self.deadline), u.thread) for u in self.running]
        return [(u, thread, now > end + STUCK) for u, end, thread in ends if now > end + STUCK / 4]

    def watch(self, jobs):
        """Starts workers and sees to it that the list comes to its end."""
        workers = [self.start_worker() for _ in range(jobs)]
        while True:
            workers = [w for w in workers if w.is_alive()]
            if not workers:
                return
            workers[0].join(0.2)
            for unit, thread, give_up in self.overdue():
                harness.kill_started(thread.ident)
                if give_up and self.close(unit, thread, Verdict(
                        OVER if time.monotonic() >= self.deadline else "stuck, and given up")):
                    workers = [w for w in workers if w is not thread] + [self.start_worker()]
            self.show_life()

    def show_life(self):
        """A line after a long silence."""
        with self.lock:
            if time.monotonic() - self.last_line < SILENCE:
                return
            names = ", ".join(u.name for u in self.running)
            done = sum(u.verdict is not None for u in self.units)
        self.say(f"...  {time.monotonic() - self.begin:.0f} s: {done} of {len(self.units)} done;"
                 f" running: {names}")

    def retry(self):
        """Failed units once more, one at a time."""
        failed = [u for u in self.units if u.verdict and u.verdict.problem not in (None, OVER)]
        if len(failed) > 2 * RETRIES:
            self.say(f"{len(failed)} tests failed: too many for a second try")
            return
        for unit in failed if len(self.units) > 1 else []:
            if time.monotonic() >= self.deadline:
                return
            first = unit.verdict
            self.say(f"once more, alone: {unit.name}")
            with self.lock:
                self.waiting = [unit]
            self.watch(1)
            if unit.verdict.problem is None:
                self.alone.append(unit.name)
            elif unit.verdict.problem == OVER:
                unit.verdict = first

    def run(self):
        """Everything. Returns the exit status."""
        adopt_orphans()
        try:
            self.watch(self.jobs)
            with self.lock:
                self.waiting = []
            self.retry()
        finally:
            harness.kill_descendants(os.getpid())
        for unit in self.units:
            unit.verdict = unit.verdict or Verdict(OVER)
        return self.finish()

    def finish(self):
        verdicts = [u.verdict for u in self.units]
        # A program with a failed test inside passed the others.
        sums = {key: sum(getattr(v, key) for v in verdicts) for key in ("failed", "skipped")}
        sums["passed"] = sum(v.passed for v in verdicts if v.problem is None)
        failures = [(u.name, u.verdict.problem) for u in self.units
                    if u.verdict.problem is not None]
        results = os.environ.get("CELLA_TEST_RESULTS")
        if results:
            with open(results, "w", encoding="utf-8") as f:
                json.dump({**sums, "failures": failures, "alone": self.alone}, f)
        else:
            print_failures(failures)
            if print_second_tries(self.alone):
                sums["failed"] += 1
        print(f"{sums['passed']} passed, {sums['failed']} failed, {sums['skipped']} skipped",
              flush=True)
        return 1 if sums["failed"] or not sums["passed"] + sums["skipped"] else 0


def adopt_orphans():
    """Processes whose parent has gone become this process's children, so that they can be found."""
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER


def run_units(units, jobs, verbose=False):
    """Runs units and leaves: threads that were given up are not waited for."""
    status = 1
    try:
        status = Schedule(units, jobs, verbose).run()
    except KeyboardInterrupt:
        harness.kill_descendants(os.getpid())
        status = 130
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)

# SPDX-License-Identifier: Apache-2.0
# Runs tests of Python's own suite and writes a line for each to the file "verdicts":
# "ID VERDICT SECONDS"; "ID begun" comes first, so that a test that never ends is known.
# Arguments: names of modules, classes or tests; "-TEXT" leaves those out whose id contains it.
import resource
import sys
import time
import unittest

from test import support


class Result(unittest.TestResult):
    def __init__(self, file):
        super().__init__()
        self.file = file
        self.verdict = None

    def startTest(self, test):
        super().startTest(test)
        self.verdict = None
        self.start = time.monotonic()
        print(test.id(), "begun", file=self.file, flush=True)

    def stopTest(self, test):
        super().stopTest(test)
        seconds = time.monotonic() - self.start
        print(test.id(), self.verdict or "ok", f"{seconds:.2f}", file=self.file, flush=True)

    def say(self, what, test, error):
        self.verdict = what
        print(f"{what}: {test.id()}\n{self._exc_info_to_string(error, test)}", flush=True)

    def addError(self, test, error):
        super().addError(test, error)
        self.say("error", test, error)
        if not hasattr(test, "_testMethodName"):  # a class or module that could not be set up
            print(test.id().replace(" ", ""), "error 0", file=self.file, flush=True)

    def addFailure(self, test, error):
        super().addFailure(test, error)
        self.say("failed", test, error)

    def addSubTest(self, test, subtest, error):
        super().addSubTest(test, subtest, error)
        if error is not None:
            self.say("failed", test, error)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.verdict = self.verdict or "skipped"

    def addExpectedFailure(self, test, error):
        super().addExpectedFailure(test, error)
        self.verdict = "expected"

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        self.verdict = "unexpected"


def flatten(suite):
    """All tests of a suite, each kept within the order that its classes have."""
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from flatten(test)
        else:
            yield test


def main():
    names = ["test." + n for n in sys.argv[1:] if not n.startswith("-")]
    out = [n[1:] for n in sys.argv[1:] if n.startswith("-")]
    # Some tests look at each descriptor that there could be.
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024))
    support.use_resources = []
    support.verbose = 0
    loaded = unittest.defaultTestLoader.loadTestsFromNames(names)
    chosen = [t for t in flatten(loaded) if not any(text in t.id() for text in out)]
    with open("verdicts", "w", encoding="utf-8") as file:
        unittest.TestSuite(chosen).run(Result(file))
        print("all done", file=file)


if __name__ == "__main__":
    main()

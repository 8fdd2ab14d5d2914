# SPDX-License-Identifier: Apache-2.0
"""Files that somebody outside changes while a program in the enclave looks at them: see
programs/outside.c. The kernel gives the host's last answer again for a moment, but never to one who
has been told of a change."""

import os
import select
import signal
import subprocess

import harness

ROUNDS = 300


class Others:
    """The one outside: changes the files of a round, then tells."""

    def __init__(self, folder):
        self.folder = folder

    def write(self, name, text, replace):
        path = os.path.join(self.folder, name)
        with open(path + ".new" if replace else path, "w" if replace else "r+",
                  encoding="ascii") as f:
            f.write(text)
            f.truncate()
        if replace:
            os.rename(path + ".new", path)

    def change(self, number):
        # "odd" first, so that what is seen last is what was changed first
        odd = os.path.join(self.folder, "odd")
        if number % 2:
            self.write("odd", "", True)
        elif os.path.exists(odd):
            os.unlink(odd)
        self.write("data", f"{number:<9}\n" + "x" * (number % 7), number % 3 != 2)


def run(context, command, how):
    others = Others(context.scratch)
    others.change(0)
    others.write("flag", "0", True)
    process = subprocess.Popen(command, bufsize=0, cwd=context.scratch, start_new_session=True,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE,
                               env=harness.base_environment(context.scratch))
    try:
        for number in range(1, ROUNDS + 1):
            assert select.select([process.stdout], [], [], 30)[0], f"round {number}: hang"
            line = process.stdout.readline().decode()
            assert line == f"{number}\n", f"after {number - 1} rounds: {line!r}"
            others.change(number)
            if how == "pipe":
                process.stdin.write(b"!")
            elif how == "signal":
                process.send_signal(signal.SIGUSR1)
            else:
                others.write("flag", str(number), True)
        rest = process.stdout.read().decode()
        assert process.wait(30) == 0, rest
    finally:
        harness.kill_session(process.pid)
        process.communicate()


def told_by(how):
    def test(context):
        command = [os.path.join(context.programs, "outside"), how, str(ROUNDS)]
        run(context, command, how)
        run(context, context.launcher(command), how)
    return test


def fifos(context):
    """FIFOs that were made outside lead outside, in both directions."""
    for name in ("in", "out"):
        os.mkfifo(os.path.join(context.scratch, name))
    process = subprocess.Popen(context.launcher(["/usr/bin/tee", "out"]), cwd=context.scratch,
                               start_new_session=True, stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, env=harness.base_environment(context.scratch))
    try:
        with open(os.path.join(context.scratch, "out"), "rb") as out:
            process.stdin.write(b"to the outside")
            process.stdin.close()
            assert out.read() == b"to the outside"
        assert process.stdout.read() == b"to the outside"
        assert process.wait(30) == 0
    finally:
        harness.kill_session(process.pid)
    process = subprocess.Popen(context.launcher(["/bin/cat", "in"]), cwd=context.scratch,
                               start_new_session=True, stdout=subprocess.PIPE,
                               env=harness.base_environment(context.scratch))
    try:
        with open(os.path.join(context.scratch, "in"), "wb") as into:
            into.write(b"from the outside")
        assert process.stdout.read() == b"from the outside"
        assert process.wait(30) == 0
    finally:
        harness.kill_session(process.pid)


TESTS = [(f"told-by-{how}", told_by(how)) for how in ("pipe", "signal", "file")]
TESTS.append(("fifos", fifos))

# SPDX-License-Identifier: Apache-2.0
"""Programs on a terminal: what they see of it, keys that raise signals, and its end.

Each case runs natively first and then in the enclave, on a fresh pseudo-terminal of 100 x 40.
"""

import fcntl
import os
import pty
import select
import shlex
import signal
import struct
import subprocess
import termios
import time

import harness

WINDOW = struct.pack("HHHH", 40, 100, 0, 0)

ASK = """
import os, sys
print([os.isatty(fd) for fd in (0, 1, 2)], tuple(os.get_terminal_size()))
line = input("name? ")
print("hello", line)
print(repr(sys.stdin.readline()), repr(sys.stdin.read()))
"""

RAW = """
import sys, termios, tty
saved = termios.tcgetattr(0)
tty.setraw(0)
sys.stdout.write("raw\\r\\n"); sys.stdout.flush()
got = sys.stdin.buffer.raw.read(1)
termios.tcsetattr(0, termios.TCSADRAIN, saved)
print(got, termios.tcgetattr(0)[3] == saved[3])
"""

INTERRUPT = """
import time
try:
    print("ready", flush=True)
    time.sleep(60)
except KeyboardInterrupt:
    print("interrupted")
"""

RESIZE = """
import os, signal, time
signal.signal(signal.SIGWINCH, lambda *_: print(tuple(os.get_terminal_size()), flush=True))
print("ready", flush=True)
time.sleep(0.5); time.sleep(0.5)
"""

CONTROL = """
import array, errno, fcntl, os, signal, termios, tty
def number(request):
    a = array.array("i", [0])
    fcntl.ioctl(0, request, a)
    return a[0]
def dev_tty():
    try:
        return os.open("/dev/tty", os.O_RDWR)
    except OSError as e:
        return errno.errorcode[e.errno]
print(os.ttyname(0) == os.readlink("/proc/self/fd/0"))
print(os.tcgetpgrp(0) == os.getpgrp(), number(0x5429) == os.getsid(0))
fd = dev_tty()
os.write(fd, b"by name\\n")
print(os.isatty(fd), os.tcgetpgrp(fd) == os.getpgrp())
os.tcsetpgrp(fd, os.getpgrp())
try:
    os.tcsetpgrp(fd, 99999)
except OSError as e:
    print(errno.errorcode[e.errno])
saved = termios.tcgetattr(0)
tty.setraw(0)
def timed(least, tenths):
    raw = termios.tcgetattr(0)
    raw[6][termios.VMIN], raw[6][termios.VTIME] = least, tenths
    termios.tcsetattr(0, termios.TCSANOW, raw)
timed(0, 2)
nothing = os.read(0, 100)
timed(0, 0)
nothing += os.read(0, 100)
timed(3, 0)
os.write(1, b"three\\r\\n")
three = os.read(0, 100)
timed(2, 3)
os.write(1, b"one\\r\\n")
one = os.read(0, 100)
termios.tcsetattr(0, termios.TCSANOW, saved)
print(nothing, three, one)
signal.signal(signal.SIGHUP, lambda *_: print("hup", flush=True))
signal.signal(signal.SIGCONT, lambda *_: print("cont", flush=True))
fcntl.ioctl(0, termios.TIOCNOTTY)
print(dev_tty())
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
print(os.read(dev_tty(), 100))
"""

LATE = """
import os
fd = os.open("/dev/tty", os.O_RDWR)
os.write(fd, b"name? ")
print(os.read(fd, 100), os.tcgetpgrp(fd) == os.getpgrp(), os.isatty(0), flush=True)
os.write(fd, b"thanks\\n")
"""


class Screen:
    """A command on a pseudo-terminal, as its controlling terminal."""

    def __init__(self, command, cwd):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, WINDOW)
        self.process = subprocess.Popen(
            command, cwd=cwd, stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
            env=harness.base_environment(cwd) | {"TERM": "dumb"},
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(slave)
        self.text = b""

    def read_until(self, mark, timeout=20):
        """Collects output until the mark appears or the terminal closes."""
        deadline = time.monotonic() + timeout
        while mark is None or mark not in self.text:
            ready = select.select([self.master], [], [], max(0, deadline - time.monotonic()))[0]
            if not ready:
                return False
            try:
                chunk = os.read(self.master, 65536)
            except OSError:
                return mark is None
            if not chunk:
                return mark is None
            self.text += chunk
        return True

    def type(self, keys):
        os.write(self.master, keys)

    def end(self, timeout=20):
        """The ending as subprocess gives it, or None if it hangs."""
        try:
            status = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            status = None
        harness.kill_session(self.process.pid)
        self.process.wait()
        if self.master >= 0:
            os.close(self.master)
        return status


def converse(context, command, steps):
    """Natively and in the enclave: wait for a mark, type keys, …; compares screen and ending."""
    seen = []
    for prefix in ([], context.launcher.prefix):
        screen = Screen(prefix + command, context.scratch)
        missing = None
        for mark, action in steps:
            if not screen.read_until(mark):
                missing = mark
                break
            action(screen)
        if missing is None:
            screen.read_until(None)
        seen.append((screen.text, screen.end(), missing))
    if seen[0][2] is not None:
        raise ValueError(f"the test itself is wrong: {seen[0]}")
    if seen[0] != seen[1]:
        return f"differs from native\nnative  {seen[0]}\nenclave {seen[1]}"
    return None


def keys(text):
    """Types, a moment after the mark: the program has by then gone to wait for it."""
    def action(screen):
        time.sleep(0.2)
        screen.type(text)

    return action


def resize(screen):
    time.sleep(0.2)
    fcntl.ioctl(screen.master, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 120, 0, 0))


def test_ask(context):
    return converse(context, ["/usr/bin/python3", "-c", ASK],
                    [(b"name? ", keys(b"you\n")), (b"hello you", keys(b"line\nmore\n\x04"))])


def test_raw(context):
    return converse(context, ["/usr/bin/python3", "-c", RAW], [(b"raw", keys(b"\x03"))])


def test_control(context):
    """The first process's session has the terminal; what the host is not asked for is waited for inside."""
    return converse(context, ["/usr/bin/python3", "-c", CONTROL],
                    [(b"three", keys(b"a")), (b"three", keys(b"bc")), (b"one", keys(b"z")),
                     (b"cont", keys(b"bye\n"))])


def test_late(context):
    """/dev/tty, when no standard stream is a terminal."""
    texts = []
    for prefix in ([], context.launcher.prefix):
        command = " ".join(shlex.quote(word) for word in prefix + ["/usr/bin/python3", "-c", LATE])
        screen = Screen(["/bin/sh", "-c", command + " </dev/null >out 2>&1"], context.scratch)
        screen.read_until(b"name? ")
        screen.type(b"me\n")
        screen.read_until(None)
        status = screen.end()
        with open(os.path.join(context.scratch, "out"), "rb") as file:
            texts.append((screen.text, file.read(), status))
    return None if texts[0] == texts[1] and texts[0][2] == 0 else f"native, enclave: {texts}"


def test_interrupt(context):
    return converse(context, ["/usr/bin/python3", "-c", INTERRUPT], [(b"ready", keys(b"\x03"))])


def test_interrupt_default(context):
    return converse(context, [os.path.join(context.programs, "die"), "wait"],
                    [(b"dying by wait", keys(b"\x03"))])


def test_quit_spinning(context):
    return converse(context, [os.path.join(context.programs, "die"), "spin"],
                    [(b"dying by spin", keys(b"\x1c"))])


def test_resize(context):
    return converse(context, ["/usr/bin/python3", "-c", RESIZE], [(b"ready", resize)])


def test_columns(context):
    return converse(context, ["/bin/ls", "--color=auto", os.path.join(context.fixture, "thousand")],
                    [])


def test_shell(context):
    return converse(context, ["/bin/busybox", "sh", "-i"],
                    [(b"# " if os.getuid() == 0 else b"$ ", keys(b"echo $((6*7)); cd /; pwd\n")),
                     (b"42", keys(b"exit 3\n"))])


def test_closed(context):
    """The terminal goes away while a program runs: SIGHUP ends it, nothing is left."""
    screen = Screen(context.launcher.prefix + [os.path.join(context.programs, "die"), "wait"],
                    context.scratch)
    if not screen.read_until(b"dying by wait"):
        screen.end()
        return f"did not start: {screen.text}"
    os.close(screen.master)
    screen.master = -1
    status = screen.end()
    return None if status == -signal.SIGHUP else f"ended with {status}, not SIGHUP"


def stopped(command, cwd, number):
    """Runs a command that stops itself; what it printed, what stopped it, how it ended."""
    # A group of its own, whose parent is outside it: an orphaned group is never stopped by SIGTSTP.
    process = subprocess.Popen(command, cwd=cwd, stdout=subprocess.PIPE, process_group=0,
                               env=harness.base_environment(cwd))
    try:
        deadline = time.monotonic() + 20
        status = 0
        while not os.WIFSTOPPED(status):
            if time.monotonic() > deadline:
                return f"signal {number} did not stop it"
            pid, status = os.waitpid(process.pid, os.WUNTRACED | os.WNOHANG)
            if pid and not os.WIFSTOPPED(status):
                process.returncode = status
                return f"ended with {status:#x} when it should have stopped"
            time.sleep(0.01)
        process.send_signal(signal.SIGCONT)
        text = process.communicate(timeout=30)[0]
        return os.WSTOPSIG(status), text, process.returncode
    finally:
        if process.returncode is None:
            process.kill()
            process.wait()


def test_stop(context):
    """A program with threads in all kinds of waits stops itself; outside it looks as native."""
    for number in (signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN):
        command = [os.path.join(context.programs, "jobs"), "stop", str(int(number))]
        native, enclave = (stopped(prefix + command, context.scratch, number)
                           for prefix in ([], context.launcher.prefix))
        if native != enclave:
            return f"differs from native\nnative  {native}\nenclave {enclave}"
    return None


def test_stop_and_end(context):
    """A process ends while it is being stopped, or after: with its status, and no thread stays."""
    for count in range(0, 60000, 3000):
        command = [os.path.join(context.programs, "jobs"), "race", str(count)]
        process = subprocess.Popen(context.launcher.prefix + command, cwd=context.scratch,
                                   env=harness.base_environment(context.scratch))
        deadline = time.monotonic() + 20
        status = 0
        while process.returncode is None and time.monotonic() < deadline:
            pid, status = os.waitpid(process.pid, os.WUNTRACED | os.WNOHANG)
            if pid and os.WIFSTOPPED(status):
                process.send_signal(signal.SIGCONT)
            elif pid:
                process.returncode = status
            time.sleep(0.002)
        if process.returncode is None:
            process.kill()
            process.wait()
            return f"hang at {count}"
        if status != 7 << 8:
            return f"ended with {status:#x} at {count}"
    return None


def test_job(context):
    """A shell with job control: Ctrl-Z stops the program, fg goes on with it."""
    shell = ["/bin/bash", "--norc", "--noprofile", "-i"]
    for prefix in ([], context.launcher.prefix):
        screen = Screen(shell, context.scratch)
        command = " ".join(prefix + [os.path.join(context.programs, "jobs"), "line"])
        for text, mark in (("PS1='> '\n", b"> "), (command + "\n", b"ready\r\n"),
                           ("\x1a", b"Stopped"), ("jobs\n", b"Stopped"), ("fg\n", b"jobs line"),
                           ("hello\n", b"got hello"), ("exit 3\n", None)):
            screen.text = b""
            time.sleep(0.2)
            screen.type(text.encode())
            if not screen.read_until(mark):
                screen.end()
                return f"{prefix}: no {mark} after {text!r}: {screen.text}"
        status = screen.end()
        if status != 3:
            return f"{prefix}: the shell ended with {status}"
    return None


# The same for a shell outside, one of whose jobs is this command.
JOB_DIALOGUE = (
    ("PS1='> '\n", b"> "), ("{}sh -c 'cat; echo after'\n", b"after'\r\n"), ("one\n", b"one\r\none\r\n"),
    ("\x1a", b"Stopped"), ("jobs\n", b"Stopped"), ("fg\n", b"cat; echo after'\r\n"),
    ("two\n", b"two\r\ntwo\r\n"), ("\x04", b"after\r\n> "),
    ("{}sh -c 'trap \"echo caught\" INT; sleep 60; sleep 0.2; echo end'\n", b"end'\r\n"),
    ("\x03", b"caught\r\nend"), ("{}cat &\n", b"> "), ("sleep 2; jobs\n", b"Stopped"),
    ("fg\n", b"cat\r\n"), ("back\n", b"back\r\nback\r\n"), ("\x03", b"> "), ("exit 3\n", None))


def test_job_children(context):
    """A job outside is a program with a child inside: both stop and go on, and a reader in the background does."""
    shell = ["/bin/bash", "--norc", "--noprofile", "--noediting", "-i"]
    for prefix in ([], context.launcher.prefix):
        screen = Screen(shell, context.scratch)
        for text, mark in JOB_DIALOGUE:
            time.sleep(0.5)
            screen.text = b""
            screen.type(text.format("".join(word + " " for word in prefix)).encode())
            if not screen.read_until(mark):
                screen.end()
                return f"{prefix}: no {mark} after {text!r}: {screen.text}"
        status = screen.end()
        if status != 3:
            return f"{prefix}: the shell ended with {status}"
    return None


# What is typed to an interactive shell, and what shows that it was understood.
DIALOGUE = (
    (b"PS1='ready> '\n", b"ready> "), (b"cat\n", b"cat\r\n"), (b"twice\n", b"twice\r\ntwice\r\n"),
    (b"\x03", b"ready> "), (b"echo $?\n", b"130\r\nready> "), (b"sleep 60\n", b"sleep 60\r\n"),
    (b"\x1a", b"Stopped"), (b"\n", b"ready> "), (b"bg\n", b"ready> "), (b"jobs\n", b"Running"),
    (b"kill %1; wait; echo ended\n", b"ended\r\nready> "), (b"cat &\n", b"ready> "),
    (b"sleep 1; jobs\n", b"Stopped"), (b"fg\n", b"cat\r\n"), (b"\x04", b"ready> "),
    (b"sleep 60 | cat\n", b"sleep 60 | cat\r\n"), (b"\x1c", b"ready> "),
    (b"(sleep 60; echo not reached) | cat\n", b"cat\r\n"), (b"\x03", b"ready> "),
    (b"ps -o tpgid,pgid,tty $$ | wc -l\n", b"2\r\nready> "),
    (b"exec < /dev/tty; tty < /dev/tty > /dev/null && echo has it\n", b"has it\r\nready> "),
    (b"setsid -w sh -c ': < /dev/tty' || echo no tty\n", b"no tty\r\nready> "),
    (b"script -qc 'tty > /dev/null && stty size' /dev/null\n", b"40 100\r\nready> "),
    (b"exit 3\n", None))


def test_jobs(context):
    """An interactive shell in the enclave with children of its own, all on the host's terminal."""
    shell = ["/bin/bash", "--norc", "--noprofile", "--noediting", "-i"]
    for prefix in ([], context.launcher.prefix):
        screen = Screen(prefix + shell, context.scratch)
        for text, mark in DIALOGUE:
            time.sleep(0.3)
            screen.text = b""
            screen.type(text)
            if not screen.read_until(mark):
                screen.end()
                return f"{prefix}: no {mark} after {text!r}: {screen.text}"
        status = screen.end()
        if status != 3:
            return f"{prefix}: the shell ended with {status}"
    return None


SPAWN = """
import os, pty
status = pty.spawn(["/bin/sh", "-c", "tty >/dev/null && stty size; read x; echo got $x; exit 5"])
print("ended with", os.waitstatus_to_exitcode(status))
"""


def test_spawn(context):
    """A pair inside the enclave, between the host's terminal and a program."""
    return converse(context, ["/usr/bin/python3", "-c", SPAWN], [(b"0 0", keys(b"this\n"))])


def test_expect(context):
    """The same with a pair inside the enclave, driven by a program that is in there, too."""
    command = ["/usr/bin/expect", "-f", os.path.join(context.dir, "programs", "jobs.exp")]
    native, enclave = (context.run(prefix + command, timeout=harness.HEAVY)
                       for prefix in ([], context.launcher.prefix))
    if native.status != 0 or b"ended with 4" not in native.out:
        raise ValueError(f"the test itself is wrong: {native.ending()} {native.out}")
    if (native.status, native.out) != (enclave.status, enclave.out):
        return f"{enclave.ending()} {enclave.out} {enclave.err}"
    return None


TESTS = [("ask", test_ask), ("raw-mode", test_raw), ("control", test_control),
         ("late", test_late), ("interrupt", test_interrupt),
         ("interrupt-default", test_interrupt_default), ("quit-spinning", test_quit_spinning),
         ("resize", test_resize), ("columns", test_columns), ("shell", test_shell),
         ("closed", test_closed), ("stop", test_stop), ("job", test_job),
         ("job-children", test_job_children),
         ("stop-and-end", test_stop_and_end), ("jobs", test_jobs), ("spawn", test_spawn),
         ("expect", test_expect)]

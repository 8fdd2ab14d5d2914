# SPDX-License-Identifier: Apache-2.0
"""Live enclaves: cella start, exec, stop, ps and list, and what clients do to each other."""

import contextlib
import copy
import fcntl
import os
import re
import signal
import subprocess
import sys
import time

import bundles
import clients
import harness
import terminal

PYTHON = "/usr/bin/python3"
HELLO = b"hello you, 1 arguments, sqrt-free 3\n"


class Live:
    """A live enclave in a private run-time directory of its own."""

    def __init__(self, context, arguments=(), name="box"):
        self.context = context
        self.name = name
        self.cella = context.cella
        self.run_dir = os.path.join(context.scratch, "run")
        os.makedirs(self.run_dir, mode=0o700, exist_ok=True)
        self.env = {"XDG_RUNTIME_DIR": self.run_dir}
        self.started = self.call(["start", "-q", f"--io={context.mode}", "-n", name, *arguments])

    def call(self, arguments, **rest):
        rest.setdefault("timeout", 30)
        return self.context.run([self.cella, *arguments], env=self.env | rest.pop("env", {}), **rest)

    def exec(self, command, options=(), **rest):
        return self.call(["exec", *options, self.name, "--", *command], **rest)

    def popen(self, command, options=(), **rest):
        env = harness.base_environment(self.context.scratch) | self.env
        return subprocess.Popen([self.cella, "exec", *options, self.name, "--", *command], env=env,
                                cwd=self.context.scratch, **rest)

    def prefix(self, options=()):
        """For commands that are started in another way: they find the directory by env(1)."""
        return ["/usr/bin/env", "XDG_RUNTIME_DIR=" + self.run_dir, self.cella, "exec", *options,
                self.name, "--"]

    def path(self, *names):
        return os.path.join(self.run_dir, "cella", self.name, *names)

    def processes(self):
        """{pid: (ppid, state, command)} as cella ps has it."""
        result = self.call(["ps", self.name])
        assert result.status == 0, result.err
        found = {}
        for line in result.out.decode().splitlines()[1:]:
            fields = line.split(None, 5)
            assert fields[0] == self.name, line
            found[int(fields[1])] = (int(fields[2]), fields[3], fields[5])
        return found

    def await_processes(self, condition, timeout=10):
        deadline = time.monotonic() + timeout
        while True:
            found = self.processes()
            if condition(found):
                return found
            assert time.monotonic() < deadline, f"still {found}"
            time.sleep(0.02)

    def stop(self, options=()):
        return self.call(["stop", *options, self.name])


@contextlib.contextmanager
def live(context, arguments=(), name="box"):
    """Starts one, and sees to it that nothing is left."""
    box = Live(context, arguments, name)
    try:
        assert box.started.status == 0, (box.started.ending(), box.started.err)
        assert box.started.out.decode() == name + "\n", box.started.out
        yield box
    finally:
        box.call(["stop", "-q", "-t", "1", name])


def program(context, name="hello"):
    return os.path.join(context.programs, name)


def expect(result, status, out=None, err=None):
    assert not result.hang, "hang"
    assert result.status == status, (result.ending(), result.out[-500:], result.err[-500:])
    assert out is None or result.out == out, result.out[-500:]
    assert err is None or err in result.err, result.err[-500:]
    assert not result.leftover, "left a process behind"


def await_line(process, line):
    got = process.stdout.readline()
    assert got == line, got


# --- names and the life of an enclave ---------------------------------------------------------

def test_life(context):
    with live(context) as box:
        listed = box.call(["list"])
        assert re.search(rb"^box +\d+ ", listed.out, re.M), listed.out
        expect(box.call(["start", "-q", "-n", "box"]), 125, b"", b"runs already")
        expect(box.exec([program(context), "you"]), 0, HELLO, b"")
        expect(box.stop(), 0, b"")
        assert b"box" not in box.call(["list"]).out
        expect(box.exec(["true"]), 125, b"", b"no enclave named box")
        expect(box.stop(), 125, b"", b"no enclave named box")
        assert sorted(os.listdir(box.path())) == ["lock", "log"]


def test_names(context):
    """A name is made of the program's; what is no name is refused."""
    box = Live(context)
    sleep = program(context, "die")
    try:
        for name in ("die", "die-2"):
            started = box.call(["start", "-q", f"--io={context.mode}", sleep, "wait"])
            expect(started, 0, name.encode() + b"\n")
        names = re.findall(rb"^([a-z0-9-]+) +\d+", box.call(["list"]).out, re.M)
        assert names == [b"box", b"die", b"die-2"], names
        for bad in ("", ".", "..", "a/b", "../x", "-x", "x" * 65, "a\nb", "\xe4"):
            expect(box.call(["exec", bad, "true"]), 125, b"")
            expect(box.call(["start", "-q", "--name=" + bad]), 125, b"")
    finally:
        result = box.call(["stop", "-t", "1", "box", "die", "die-2"])
    expect(result, 0)


def test_first_program(context):
    """The enclave ends with the program that it was started with, and says so in its log."""
    log = os.path.join(context.scratch, "log")
    box = Live(context, ["--log=" + log, PYTHON, "-uc",
                         "import sys; print('begin'); sys.stdin.read(); sys.exit(7)"])
    expect(box.started, 0)
    deadline = time.monotonic() + 10
    while b"box" in box.call(["list"]).out and time.monotonic() < deadline:
        time.sleep(0.02)
    assert b"box" not in box.call(["list"]).out
    with open(log, "rb") as f:
        assert f.read() == b"begin\n"


def test_cannot_start(context):
    """What fails is told as cella run tells it, and leaves nothing behind."""
    box = Live(context, ["/absent/program"])
    expect(box.started, 127, b"", b"/absent/program")
    script = os.path.join(context.scratch, "script")
    with open(script, "w", encoding="ascii") as f:
        f.write("#!/absent/interpreter\n")
    os.chmod(script, 0o755)
    box = Live(context, [script])
    expect(box.started, 127, b"", b"/absent/interpreter")
    assert b"box" not in box.call(["list"]).out


def test_foreground(context):
    """In the foreground it is as cella run, and SIGTERM is as cella stop."""
    box = Live.__new__(Live)
    box.context, box.name, box.cella = context, "front", context.cella
    box.run_dir = context.scratch
    box.env = {"XDG_RUNTIME_DIR": context.scratch}
    os.chmod(context.scratch, 0o700)

    def during(process):
        deadline = time.monotonic() + 20
        while box.call(["list"]).out.count(b"\n") < 2 and time.monotonic() < deadline:
            time.sleep(0.02)
        expect(box.exec([program(context), "you"]), 0, HELLO)
        process.send_signal(signal.SIGTERM)

    result = context.run([context.cella, "start", "-q", "-f", f"--io={context.mode}", "-n", "front"],
                         env=box.env, during=during)
    expect(result, 0, b"", b"")
    result = context.run([context.cella, "start", "-q", "-f", f"--io={context.mode}", "-n", "front",
                          program(context), "you", "5"], env=box.env)
    expect(result, 5, b"hello you, 2 arguments, sqrt-free 3\n", b"")


# --- what a program sees ----------------------------------------------------------------------

def test_status(context):
    """Exit statuses and signals come back; what cannot be run is said."""
    with live(context) as box:
        for status in (0, 1, 77, 255):
            expect(box.exec([PYTHON, "-c", f"import sys; sys.exit({status})"]), status, b"", b"")
        for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGSEGV, signal.SIGUSR1, 34, 64):
            text = f"import os; os.kill(os.getpid(), {int(number)}); os.pause()"
            expect(box.exec([PYTHON, "-c", text]), -number)
        expect(box.exec(["/absent/program"]), 127, b"", b"/absent/program: no such file")
        expect(box.exec(["absent-program"]), 127, b"", b"absent-program: no such file")
        expect(box.exec(["/etc/passwd"]), 126, b"", b"/etc/passwd")
        expect(box.exec(["/tmp"]), 126, b"", b"/tmp")
        expect(box.call(["exec", "box"]), 125, b"")
        found = box.processes()
        assert list(found) == [1], found


def test_surroundings(context):
    """Arguments, environment, directory, umask and ids are the client's."""
    script = ("import os, sys; print(sys.argv[1:], os.getcwd(), os.environ.get('NEW'), "
              "os.environ.get('TZ'), oct(os.umask(0)), os.getuid(), os.getgid(), os.getppid(), "
              "os.getpid() == os.getsid(0) == os.getpgid(0))")
    with live(context) as box:
        os.umask(0o027)
        try:
            result = box.exec([PYTHON, "-c", script, "", "a b", "\u00e9"],
                              ["-e", "NEW=value", "-e", "TZ"], cwd="/usr/share")
        finally:
            os.umask(0o022)
        want = f"['', 'a b', '\u00e9'] /usr/share value None 0o27 {os.getuid()} {os.getgid()} 1 True\n"
        expect(result, 0, want.encode(), b"")
        expect(box.exec(["/bin/pwd"], ["-C", "/etc"]), 0, b"/etc\n", b"")
        expect(box.exec(["/bin/pwd"], ["-C", "share"], cwd="/usr"), 0, b"/usr/share\n", b"")
        expect(box.exec(["/bin/pwd"], ["-C", "/absent"]), 127, b"", b"/absent")
        words = ["x" * 100000] * 15
        size = "import sys; print(sum(map(len, sys.argv[1:])))"
        expect(box.exec([PYTHON, "-c", size, *words]), 0, b"1500000\n", b"")


def test_streams(context):
    """Pipes, files whose position is shared, closed descriptors."""
    with live(context) as box:
        data = os.urandom(3 << 20)
        with open(os.path.join(context.scratch, "data"), "wb") as f:
            f.write(data)
        first, second = (box.prefix() + ["/bin/cat"] for _ in range(2))
        result = context.run(["/bin/sh", "-c", "cat data | \"$@\" | cat", "sh", *first])
        expect(result, 0, data, b"")
        with open(os.path.join(context.scratch, "data"), "rb") as f:
            expect(box.exec(["/usr/bin/head", "-c", "10"], stdin=f), 0, data[:10])
        part = "import os; os.write(1, os.read(0, 5)); os.write(2, b'to stderr')"
        with open(os.path.join(context.scratch, "data"), "rb", buffering=0) as f:
            expect(box.exec([PYTHON, "-c", part], stdin=f), 0, data[:5], b"to stderr")
            assert f.tell() == 5, f.tell()
        result = context.run(["/bin/sh", "-c", "\"$@\" <&- >&-", "sh", *second[:-1], PYTHON, "-c",
                              "import os\nfor fd in 0, 1, 2:\n"
                              "  try: os.fstat(fd); os.write(2, b'%d open ' % fd)\n"
                              "  except OSError: os.write(2, b'%d closed ' % fd)"])
        expect(result, 0, b"", b"2 open")
        assert result.err.startswith(b"0 closed 1 closed"), result.err


def test_pipelines(context):
    """Shells, and processes of shells, in many clients at once."""
    text = "for i in 1 2 3 4 5; do echo $i $$ | cat | tr 0-9 a-j >/dev/null; done; (exit 3); echo $?"
    with live(context) as box:
        clients_of = [box.popen(["/bin/sh", "-c", text], stdout=subprocess.PIPE) for _ in range(6)]
        for process in clients_of:
            assert process.communicate(timeout=60)[0] == b"3\n"
            assert process.returncode == 0
        expect(box.exec(["/bin/bash", "-c", "set -o pipefail; seq 10000 | sort -n | tail -1 | rev"]),
               0, b"00001\n", b"")
        box.await_processes(lambda found: list(found) == [1])


def test_end_of_file(context):
    """A reader outside sees the end when the program has ended, and a program when its reader has gone."""
    with live(context) as box:
        reader, writer = os.pipe()
        process = box.popen([PYTHON, "-c", "print('x')"], stdout=writer)
        os.close(writer)
        with open(reader, "rb") as f:
            assert f.read() == b"x\n"
        assert process.wait(10) == 0
        yes = box.popen(["/usr/bin/yes"], stdout=subprocess.PIPE)
        assert yes.stdout.read(4) == b"y\ny\n"
        yes.stdout.close()
        assert yes.wait(10) == -signal.SIGPIPE, yes.returncode


def test_parallel(context):
    """Many at a time, each with its own streams."""
    script = ("import sys\nfor i in range(300): print(sys.argv[1], i, sys.stdin.readline(), end='', "
              "flush=True)")
    with live(context) as box:
        all_of_them = [box.popen([PYTHON, "-c", script, str(k)], stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE) for k in range(6)]
        for k, process in enumerate(all_of_them):
            process.stdin.write(b"".join(b"line %d of %d\n" % (i, k) for i in range(300)))
            process.stdin.close()
        for k, process in enumerate(all_of_them):
            want = b"".join(b"%d %d line %d of %d\n" % (k, i, i, k) for i in range(300))
            assert process.stdout.read() == want, k
            assert process.wait(20) == 0, k
        box.await_processes(lambda found: list(found) == [1])


# --- signals ----------------------------------------------------------------------------------

CATCHER = r"""
import os, signal, sys, time
def caught(number, frame):
    os.write(1, signal.Signals(number).name.encode() + b"\n")
    if number == signal.SIGTERM: os._exit(3)
for name in sys.argv[1:]: signal.signal(getattr(signal, name), caught)
print("ready", flush=True)
while True: time.sleep(0.05)  # one that comes just before a sleep is only seen after it
"""


def test_signals(context):
    """Signals of the client are the program's."""
    names = ["SIGINT", "SIGQUIT", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGALRM", "SIGWINCH", "SIGTERM"]
    with live(context) as box:
        process = box.popen([PYTHON, "-c", CATCHER, *names], stdout=subprocess.PIPE)
        await_line(process, b"ready\n")
        for name in names:
            process.send_signal(getattr(signal, name))
            await_line(process, name.encode() + b"\n")
        assert process.wait(10) == 3
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            process = box.popen(["/bin/sleep", "60"])
            box.await_processes(lambda found: any("sleep" in c for _, _, c in found.values()))
            process.send_signal(number)
            assert process.wait(10) == -number, process.returncode


def test_client_dies(context):
    """The program gets SIGHUP when its client is gone; one that was detached does not."""
    with live(context) as box:
        process = box.popen([PYTHON, "-c", CATCHER], stdout=subprocess.PIPE)
        await_line(process, b"ready\n")
        process.kill()
        process.wait()
        box.await_processes(lambda found: list(found) == [1])
        detached = box.exec(["/bin/sleep", "60"], ["-d"])
        pid = int(detached.out)
        expect(detached, 0)
        time.sleep(0.2)
        assert box.processes()[pid] == (1, "S", "/bin/sleep 60"), box.processes()


def stop_and_go(context, box, number):
    command = box.prefix() + [program(context, "jobs"), "stop", str(int(number))]
    native = terminal.stopped([program(context, "jobs"), "stop", str(int(number))],
                              context.scratch, number)
    enclave = terminal.stopped(command, context.scratch, number)
    assert native == enclave, f"native  {native}\nenclave {enclave}"


def test_stop_and_go(context):
    """A program that stops itself stops its client, and goes on with it."""
    with live(context) as box:
        for number in (signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN):
            stop_and_go(context, box, number)


def on_terminal(function):
    """One of the terminal's tests, with cella exec in the place of cella run."""
    def test(context):
        with live(context) as box:
            other = copy.copy(context)
            other.launcher = copy.copy(context.launcher)
            other.launcher.prefix = box.prefix(["-q"])
            problem = function(other)
            if not problem:
                box.await_processes(lambda found: list(found) == [1])
            return problem

    return test


def interactive(context):
    """A shell with job control inside, on the client's terminal."""
    shell = ["/usr/bin/env", "PS1=> ", "HISTFILE=", "/bin/bash", "--norc", "--noprofile", "-i"]
    key = terminal.keys
    return terminal.converse(context, shell, [
        (b"> ", key(b"tty | sed s/pts.*/pts/; echo $((6 * 7)) | cat | cat\n")),
        (b"42\r\n> ", key(b"sleep 1000\n")), (b"1000\r\n", key(b"\x1a")),
        (b"Stopped", key(b"jobs; bg\n")), (b"sleep 1000 &", key(b"fg\n")),
        (b"fg\r\nsleep 1000", key(b"\x03")), (b"^C\r\n> ", key(b"cat\n")),
        (b"cat\r\n", key(b"words\n")), (b"words\r\nwords\r\n", key(b"\x04")),
        (b"> ", key(b"exit 5\n"))])


def test_background(context):
    """What runs for a client in the background does not take its shell's input: it stops, until fg."""
    with live(context) as box:
        screen = terminal.Screen(["/usr/bin/env", "PS1=> ", "/bin/bash", "--norc", "--noprofile", "-i"],
                                 context.scratch)
        command = " ".join(box.prefix())
        for text, mark in (("\n", b"> "), (command + " cat &\n", b"Stopped"),
                           ("echo a b | tr a-z A-Z\n", b"A B\r\n"), ("fg\n", b"exec box -- cat\r\n"),
                           ("words\n", b"words\r\nwords\r\n"), ("\x1a", b"Stopped"),
                           ("bg\n", b"Stopped"), ("fg\n", b"cat\r\n"),
                           ("more\n", b"more\r\nmore\r\n"), ("\x04", b"> "),
                           (command + " sh -c 'sleep 0.3; cat' &\n", b"> "),
                           ("fg\n", b"cat'\r\n"), ("last\n", b"last\r\nlast\r\n"),
                           ("\x04", b"> "), ("exit 3\n", None)):
            screen.text = b""
            time.sleep(0.2)
            screen.type(text.encode())
            if mark == b"Stopped" and text != "\x1a":
                time.sleep(0.5)
                screen.type(b"\n")  # the shell tells when it is asked
            if not screen.read_until(mark):
                screen.end()
                return f"no {mark} after {text!r}: {screen.text}"
        status = screen.end()
        return None if status == 3 else f"the shell ended with {status}"


# --- ps and stop ------------------------------------------------------------------------------

def test_ps(context):
    with live(context) as box:
        assert box.processes() == {1: (0, "S", "init")}, box.processes()
        sleeper = box.popen(["/bin/sleep", "60"])
        worker = box.popen([PYTHON, "-c", "import itertools\nfor _ in itertools.count(): pass"])

        def settled(found):
            assert sleeper.poll() is None and worker.poll() is None, (sleeper.poll(), worker.poll())
            return ({c for _, _, c in found.values()} >= {"/bin/sleep 60"}
                    and sorted(s for _, s, _ in found.values()) == ["R", "S", "S"])

        box.await_processes(settled)
        text = box.call(["ps"]).out.decode()
        assert re.search(r"^box +1 +0 S +0:00\.\d\d init$", text, re.M), text
        expect(box.call(["ps", "absent"]), 125)
        for process in (sleeper, worker):
            process.kill()
            process.wait()


def test_stop_asks_first(context):
    """SIGTERM comes first, and who does as it says is not killed."""
    with live(context) as box:
        process = box.popen([PYTHON, "-c", CATCHER, "SIGTERM"], stdout=subprocess.PIPE)
        await_line(process, b"ready\n")
        expect(box.stop(["-t", "20"]), 0)
        await_line(process, b"SIGTERM\n")
        assert process.wait(10) == 3, process.returncode


def test_stop_kills(context):
    with live(context) as box:
        text = "import signal\nsignal.signal(15, signal.SIG_IGN)\nprint(1, flush=True)\nsignal.pause()"
        process = box.popen([PYTHON, "-c", text], stdout=subprocess.PIPE)
        await_line(process, b"1\n")
        start = time.monotonic()
        expect(box.stop(["-t", "1"]), 0)
        assert time.monotonic() - start > 0.9
        assert process.wait(10) == -signal.SIGKILL, process.returncode


def test_stop_hung(context):
    """A host process that does not even listen is killed."""
    with live(context) as box:
        pid = int(re.search(rb"^box +(\d+)", box.call(["list"]).out, re.M).group(1))
        os.kill(pid, signal.SIGSTOP)
        result = box.call(["stop", "-t", "0", "box"], timeout=60)
        expect(result, 0)
        assert b"killing" in result.err, result.err


# --- what a manifest permits ------------------------------------------------------------------

def bundle_of(context, extra, argv=("die", "wait")):
    die, hello = program(context, "die"), program(context)
    text = bundles.manifest(die, argv and list(argv),
                            bundles.C_RUNTIME + ["file:" + die, "file:" + hello],
                            mounts=[context.programs])
    return bundles.signed(context.build, text + extra, context.scratch)


def test_bundle_none(context):
    """By default nothing runs beside the bundle's program, and it cannot be started without that."""
    bundle = bundle_of(context, "")
    with live(context, [bundle]) as box:
        expect(box.exec([program(context)]), 126, b"", b"cella.exec")
        found = box.processes()
        assert len(found) == 2 and "wait" not in str(found), found
        expect(box.stop(["-t", "30"]), 0)
    refused = Live(context, ["--idle", bundle])
    expect(refused.started, 125, b"", b"cella.exec")


def test_bundle_some(context):
    hello = program(context)
    with live(context, [bundle_of(context, f'[cella]\nexec = ["{hello}"]\n')]) as box:
        expect(box.exec([hello, "you", "3"], ["-e", "A=b"]), 0,
               b"hello world, 0 arguments, sqrt-free 5\n")
        for other in (program(context, "die"), os.path.dirname(hello) + "/./hello", "hello"):
            expect(box.exec([other]), 126, b"", b"cella.exec")


def test_bundle_any(context):
    extra = ('[cella]\nexec = "any"\nhost_signals = ["SIGTERM"]\n')
    with live(context, ["--idle", bundle_of(context, extra, None)]) as box:
        expect(box.exec([program(context), "you"]), 0, HELLO)
        expect(box.exec(["/bin/true"]), 127, b"", b"no such file")
        process = box.popen([program(context, "die"), "wait"], stdout=subprocess.PIPE)
        await_line(process, b"dying by wait\n")
        process.send_signal(signal.SIGINT)  # is not let in
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == -signal.SIGTERM, process.returncode


def test_example(context):
    """The example: a signed server, a client beside it, and nothing else."""
    script = os.path.join(harness.ROOT, "examples", "live", "run")
    os.chmod(context.scratch, 0o700)
    result = context.run([script, "-q", f"--io={context.mode}", "-n", "example"], timeout=60,
                         env={"XDG_RUNTIME_DIR": context.scratch, "BUILD": context.build,
                              "BUNDLE": os.path.join(context.scratch, "live.cella")})
    expect(result, 0, None, b"/usr/bin/python3: the manifest does not let the host run it")
    lines = result.out.decode().splitlines()
    assert lines[:3] == [f"you are number {n}" for n in (1, 2, 3)], lines
    assert len(lines) == 6 and lines[5].endswith(" server.py"), lines


# --- who gets in ------------------------------------------------------------------------------

def as_nobody(function):
    """The exit status of a child with another uid."""
    pid = os.fork()
    if not pid:
        try:
            os.setgid(65534)
            os.setuid(65534)
            os._exit(function())
        except BaseException:  # pylint: disable=broad-except
            os._exit(99)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_owner_only(context):
    """The directories are private; one that is not is refused; another user is sent away."""
    with live(context) as box:
        base = os.path.join(box.run_dir, "cella")
        for path in (base, box.path()):
            assert os.stat(path).st_mode & 0o7777 == 0o700, oct(os.stat(path).st_mode)
            os.chmod(path, 0o750)
            expect(box.exec(["/bin/true"]), 125, b"")
            os.chmod(path, 0o700)
        expect(box.exec(["/bin/true"]), 0, b"")
        if os.getuid() == 0:
            for path in (context.scratch, box.run_dir, base, box.path()):
                os.chmod(path, 0o755)
            os.chmod(box.path("control"), 0o777)
            assert as_nobody(lambda: clients.sent_away(box.path("control"))) == 0
            for path in (base, box.path()):
                os.chmod(path, 0o700)


def test_hostile_clients(context):
    """Broken clients are refused or dropped, one by one; the others do not notice."""
    with live(context) as box:
        # In a process of its own, as it takes all descriptors that there are.
        result = context.run([sys.executable, os.path.join(context.dir, "clients.py"),
                              box.path("control"), context.scratch], timeout=60)
        expect(result, 0, b"", b"")
        expect(box.exec([program(context), "you"]), 0, HELLO)
        box.await_processes(lambda found: list(found) == [1], timeout=15)


TESTS = [(name[5:].replace("_", "-"), function) for name, function in list(globals().items())
         if name.startswith("test_")]
TESTS += [("terminal-" + name, on_terminal(function)) for name, function in terminal.TESTS
          if name not in ("stop-and-end", "stop")]
TESTS.append(("interactive", on_terminal(interactive)))

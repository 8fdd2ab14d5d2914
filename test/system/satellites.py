# SPDX-License-Identifier: Apache-2.0
"""Processes in satellites, enclaves of their own (kernel/satellite): all that they do and see is as natively.

Programs at fixed addresses and fork children go there when they compute and others of their kind want to run. That
they have gone the line "satellites" of --stats says, and for programs/away each property's own line."""

import os
import re
import shutil
import signal
import time

import harness
import schedule

PROPERTIES = {
    "memory": "heap maps remaps breaks stack private-files shared-files many-files shared-anonymous faults",
    "files": "one-file folders big-data readiness pairs unix-sockets names opened",
    "processes": "forks spawns threads executes exits aborts shares ids",
    "signals": "alarms calls from-another segv sigbus traps alternate ends stops waits",
    "deaths": "death-by-segv death-by-overflow death-by-pipe",
    "state": "registers clocks cpu-time limits limited stack-limit procfs sequences",
}
POOL = """
import multiprocessing as m
def work(n):
    h = n
    for i in range(400000):
        h = (h * 31 + i) % 1000003
    return h
if __name__ == "__main__":
    with m.get_context("fork").Pool(4) as p:
        print(p.map(work, range(8), 1))
"""
FORKS = """
import os
def work(n):
    h = n
    for i in range(1500000):
        h = (h * 31 + i) % 1000003
    return h
ends = []
for n in range(4):
    r, w = os.pipe()
    if os.fork() == 0:
        os.write(w, str(work(n)).encode())
        os._exit(n)
    os.close(w)
    ends.append(r)
for r in ends:
    print(os.read(r, 100))
print(sorted(os.waitstatus_to_exitcode(os.wait()[1]) for r in ends))
"""
MAKEFILE = "all: away.o files.o memory.o processes.o signals.o state.o\n%.o: %.c\n\tgcc -O2 -c -o $@ $<\n"


def away(context):
    return os.path.join(context.programs, "away")


def enclave(context, options=("--satellites=2",)):
    return context.enclave(["--stats", *options])


def journeys(result):
    """Processes that have gone."""
    match = re.search(rb"satellites +(\d+) journeys", result.err)
    assert match, f"{result.ending()}: {result.err[-1000:]}"
    return int(match[1])


def expect(result, status, out=None):
    assert result.status == status and not result.hang and not result.leftover, \
        f"{result.ending()}, left {result.leftover}: {result.out[-500:]} {result.err[-1500:]}"
    assert out is None or result.out == out, f"{result.out[-1500:]} instead of {out[-1500:]}"
    assert b"panic" not in result.err, result.err[-1500:]


def sections(text):
    """What each property says. Its processes run side by side, so lines come in any order."""
    return {part.split("\n", 1)[0]: sorted(part.split("\n")[1:]) for part in text.decode().split("- ")[1:]}


def property_test(names):
    def test(context):
        results = []
        # One that waits for others is still away: there must be a place for each.
        for command in ([away(context), "-n"], enclave(context, ["--satellites=6"]) + [away(context)]):
            folder = harness.fresh_directory(os.path.join(context.scratch, "work"))
            results.append(context.run(command + names.split(), cwd=folder, timeout=50))
        native, result = results
        expect(native, 0)
        assert b"FAIL" not in native.out, f"natively: {native.out[-1000:]}"
        expect(result, 0)
        want, got = sections(native.out), sections(result.out)
        for name in names.split():
            assert got.get(name) == want[name], f"{name}: {got.get(name)}\nnatively {want[name]}"
            line = re.search(rf"^{name}: away (\d+) times, not (\d+)$", result.err.decode(), re.M)
            assert line and int(line[1]) > 0 and line[2] == "0", f"{name}: {line and line[0]}"
        assert journeys(result) >= len(names.split()), journeys(result)

    return test


def at_once(context, number, size=30):
    """A script that starts so many programs, says how each ended, and does all that a second time."""
    program = f"{away(context)} compute"
    one = "".join(f"{program} {size} {i} >out{i} & p{i}=$!; " for i in range(number))
    wait = "".join(f"wait $p{i}; echo $?; cat out{i}; " for i in range(number))
    return ["/bin/sh", "-c", (one + wait) * 2]


def test_programs_at_once(context):
    """Two and four: all results are right; the second time they go before they begin."""
    for number in (2, 4):
        native = context.run(at_once(context, number))
        result = context.run(enclave(context, [f"--satellites={number}"]) + at_once(context, number))
        expect(native, 0)
        expect(result, 0, native.out)
        assert journeys(result) > 0, result.err


def test_before_they_begin(context):
    """Beside one that computes, a program that stayed away once goes before it begins, though it has little to do; alone
    it stays.  Its nice value keeps the one that computes at home."""
    short = f"{away(context)} compute 100 0; " + "; ".join([f"{away(context)} compute 1 0"] * 30)
    beside = ["/bin/sh", "-c", f"nice -n 1 {away(context)} compute 100000 0 >long & {short}; kill $!"]
    alone = ["/bin/sh", "-c", short]
    native = context.run(alone)
    expect(native, 0)
    for command, at_least, at_most in ((beside, 10, 31), (alone, 0, 0)):
        result = context.run(enclave(context, ["--satellites=1"]) + command)
        expect(result, 0, native.out)
        assert at_least <= journeys(result) <= at_most, f"{journeys(result)} journeys: {result.err}"


def test_python(context):
    """Fork children that compute: a Pool's, which share semaphores and so stay at home, and others."""
    if not os.path.exists("/usr/bin/python3"):
        raise schedule.Skip("no python3 here")
    for script, goes in ((POOL, False), (FORKS, True)):
        command = ["/usr/bin/python3", "-c", script]
        native, result = context.run(command), context.run(enclave(context) + command)
        expect(native, 0)
        expect(result, 0, native.out)
        assert not goes or journeys(result) > 0, result.err


def compiled(context, command, name):
    folder = harness.fresh_directory(os.path.join(context.scratch, name))
    source = os.path.join(context.dir, "programs", "away")
    for file in os.listdir(source):
        shutil.copy(os.path.join(source, file), folder)
    with open(os.path.join(folder, "Makefile"), "w", encoding="ascii") as f:
        f.write(MAKEFILE)
    result = context.run(command, cwd=folder, timeout=50)
    expect(result, 0)
    objects = {}
    for file in sorted(os.listdir(folder)):
        with open(os.path.join(folder, file), "rb") as f:
            objects[file] = f.read()
    assert "state.o" in objects and not any(file.endswith(".s") for file in objects), objects.keys()
    return result, objects


def test_make(context):
    """gcc's programs side by side make the objects that they make natively."""
    for tool in ("/usr/bin/gcc", "/usr/bin/make"):
        if not os.path.exists(tool):
            raise schedule.Skip(f"no {tool} here")
    native = compiled(context, ["make", "-j2"], "native")
    for jobs in (2, 4):
        result = compiled(context, enclave(context, [f"--satellites={jobs}"]) + ["make", f"-j{jobs}"], f"j{jobs}")
        assert result[1] == native[1], f"-j{jobs}: {[n for n in native[1] if result[1].get(n) != native[1][n]]}"
        assert sorted(result[0].out.split(b"\n")) == sorted(native[0].out.split(b"\n")), result[0].out
        assert journeys(result[0]) > 0, result[0].err
    # A driver and its compiler take turns, but only one of them computes.
    result = compiled(context, enclave(context, ["--satellites=2"]) + ["make", "-j1"], "j1")
    assert result[1] == native[1] and journeys(result[0]) == 0, result[0].err


def none_gone(context, prefix, options):
    command = at_once(context, 2, 15)
    native = context.run(command)
    result = context.run(prefix + enclave(context, options) + command)
    expect(native, 0)
    expect(result, 0, native.out)
    assert journeys(result) == 0, result.err


def test_none(context):
    """Where there are none, or one CPU, everybody stays at home."""
    none_gone(context, [], ["--satellites=0"])
    none_gone(context, ["taskset", "-c", str(min(os.sched_getaffinity(0)))], [])


def test_little_memory(context):
    """An enclave of little memory is a satellite too, or none: programs run as natively either way."""
    command = at_once(context, 2, 15)
    native = context.run(command)
    expect(context.run(enclave(context, ["--memory=16M", "--satellites=2"]) + command), 0, native.out)
    # What has more than half of the base's memory has no room to grow there.
    command = [away(context), "-n", "heap", "breaks"]
    native = context.run(command)
    result = context.run(enclave(context, ["--memory=200M", "--satellites=2"]) + command[:1] + command[2:])
    expect(result, 0)
    assert sections(result.out) == sections(native.out), result.out


def satellites_of(process):
    """The host's processes of satellites."""
    found = []
    for pid in harness.family(process.pid, True):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                if f.read().split(b"\0")[1:2] == [b"satellite"]:
                    found.append(pid)
        except OSError:
            pass
    return found


def test_killed(context):
    """A satellite's process is killed: its guest is, and nobody else; later ones find another place."""
    ready = os.path.join(context.scratch, "ready")
    script = (f"{away(context)} compute 100000 1 & a=$!; {away(context)} compute 100000 2 & b=$!; "
              f"(while [ ! -e {ready} ]; do sleep 0.05; done); sleep 0.1; kill $a $b; wait $a; x=$?; wait $b; y=$?; "
              f"echo $x $y; {away(context)} -n heap stack")

    def kill(process):
        until = time.monotonic() + 20
        killed = False
        while not killed and process.poll() is None and time.monotonic() < until:
            time.sleep(0.05)
            for pid in satellites_of(process):
                with open(f"/proc/{pid}/stat", encoding="ascii") as f:
                    ticks = int(f.read().split()[13])
                if ticks > 15 and not killed:  # somebody is there
                    os.kill(pid, signal.SIGKILL)
                    killed = True
        time.sleep(0.3)
        with open(ready, "w", encoding="ascii"):
            pass

    result = context.run(enclave(context) + ["/bin/sh", "-c", script], during=kill, timeout=40)
    expect(result, 0)
    first = result.out.split(b"\n", 1)[0]
    assert sorted(first.split()) == [b"137", b"143"], result.out
    assert len(re.findall(rb"is killed: the satellite enclave that it was in is lost", result.err)) == 1, result.err
    assert b"heap: status 0" in result.out and b"stack: status 0" in result.out, result.out


def test_leaks(context):
    """After many journeys the kernel has what it had before."""
    if context.mode == "threads":
        raise schedule.Skip("nothing here depends on how the host is asked")
    program = away(context)
    pair = f"{program} compute 20 1 & {program} compute 20 2 & wait"
    commands = [" ; ".join([pair] * 5), f"{program} stack maps folders exits", f"{program} segv ends"]
    command = [os.path.join(context.programs, "leaks"), os.path.join(context.scratch, "work"), *commands]
    result = context.run(enclave(context) + command, timeout=60)
    expect(result, 0)
    assert f"{len(commands)} programs, 0 leaks".encode() in result.out + result.err, result.out[-1500:]
    assert journeys(result) > 20, result.err
    processes = re.search(rb"^processes +(\d+)  \((\d+) threads", result.err, re.M)
    assert processes and processes.groups() == (b"1", b"0"), result.err


TESTS = [(name, property_test(names)) for name, names in PROPERTIES.items()]
TESTS += [(name[5:].replace("_", "-"), function) for name, function in list(globals().items())
          if name.startswith("test_")]

# SPDX-License-Identifier: Apache-2.0
"""A host that lies (test/hostile/lying_ocall.c): wrong results and lengths, changed buffers, made-up
completions and signals. Every run must end by itself, as the program or the kernel decides: the
kernel never faults, and nothing that it verifies ever comes out wrong."""

import hashlib
import os
import re

import bundles

SEEDS = 12
CELLA_FAILED = 125
FAULT = re.compile(rb"fault in the kernel|failed while it handled|AddressSanitizer|stack smash")
PYTHON = """
import os, threading, time
for folder, _, files in os.walk("tree"): print(folder, sorted(files))
threads = [threading.Thread(target=time.sleep, args=(0.01,)) for _ in range(5)]
[t.start() for t in threads]; [t.join() for t in threads]
print(os.stat("tree").st_mode, os.statvfs(".").f_bsize, os.readlink("tree/link"), os.getloadavg())
with open("new", "w") as f: f.write("x" * 100_000)
os.rename("new", "newer"); print(os.path.getsize("newer"), time.time(), os.listdir("/proc/self/fd"))
"""


def sign_once(context, done=set()):
    """The true `cella` leaves the signature of development enclaves where the lying one finds it."""
    if not done:
        context.run(context.enclave(["/bin/true"]))
        done.add(True)


def lying(context, seed, about, rate, honest, command, verb=("run",), env=None, **rest):
    """One run; AssertionError if the kernel came to harm. Returns the result."""
    sign_once(context)
    lies = {"LIES_SEED": str(seed), "LIES_ABOUT": about, "LIES_RATE": str(rate),
            "LIES_HONEST": str(honest)}
    host = [os.path.join(context.build, "test", "hostile", "cella-lying"), *verb, "-q",
            "--kernel=" + os.path.join(context.build, "cella-kernel"), f"--io={context.mode}"]
    result = context.run(host + command, env=lies | (env or {}), timeout=60, **rest)
    label = " ".join(f"{name}={value}" for name, value in lies.items())
    assert not result.hang, f"{label}: hang; said {result.err[-300:]!r}"
    assert result.status != CELLA_FAILED or result.err, f"{label}: no word about what failed"
    assert not FAULT.search(result.err), f"{label}: {result.err[-300:]!r}"
    return result


def tree(context):
    """A small directory with all kinds of entries."""
    folder = os.path.join(context.scratch, "tree")
    os.makedirs(os.path.join(folder, "below"))
    for number in range(20):
        with open(os.path.join(folder, f"file{number}"), "wb") as f:
            f.write(b"some text\n" * (number * number * 10))
    os.symlink("file3", os.path.join(folder, "link"))
    return folder


def survives(context, command, about="rbc", honest=(0, 40, 150, 400), rates=(8, 25, 80),
             seeds=SEEDS):
    """The program under many lies, and once under none, to know that there is something to see."""
    tree(context)
    result = lying(context, 0, "", 1, 0, command)
    assert result.status == 0, f"without lies: {result.ending()}: {result.err[-500:]!r}"
    spoiled = 0
    for seed in range(1, seeds + 1):
        after = honest[seed % len(honest)]
        rate = rates[seed % len(rates)]
        spoiled += lying(context, seed, about, rate, after, command).status != 0
    assert spoiled, "no lie had any effect: does the host lie at all?"


def test_files(context):
    survives(context, ["/bin/busybox", "ls", "-lR", "tree"])


def test_static(context):
    survives(context, [os.path.join(context.programs, "memory")])


def test_python(context):
    survives(context, ["/usr/bin/python3", "-c", PYTHON], honest=(0, 300, 1500, 2500),
             rates=(30, 100, 300))


def test_signals(context):
    """Signals come from nowhere, those among them that no host may send."""
    survives(context, ["/bin/busybox", "ls", "-lR", "tree"], about="s")


def test_start(context):
    """One number of the start block, or of the ring's description, is wrong."""
    survives(context, ["/bin/busybox", "ls", "-lR", "tree"], about="h", seeds=8 * SEEDS)


def test_requests(context):
    """Requests to a live enclave that no client has made: programs, signals, lists, the end."""
    os.chmod(context.scratch, 0o700)
    program = ["/usr/bin/python3", "-c", "import time; time.sleep(0.7); print('alive')"]
    alive = 0
    for seed in range(1, SEEDS + 1):
        for about in ("q", "qc"):
            result = lying(context, seed, about, 30, 300, program, verb=("start", "-f"),
                           env={"XDG_RUNTIME_DIR": context.scratch})
            alive += result.out == b"alive\n"
    assert alive, "no program ever came to its end"


def test_ticks(context):
    """Interrupted wherever it is, the kernel still makes every request, once, and takes its answer."""
    script = os.path.join(context.dir, "python", "threads.py")
    for seed in range(1, SEEDS + 1):
        result = lying(context, seed, "t", 1, 0, ["/usr/bin/python3", script])
        assert result.status == 0, f"{result.ending()}: {result.err[-300:]!r}"


def test_verified(context):
    """Digests of trusted files: the right ones or none, whatever the host answers."""
    folder = tree(context)
    big = os.path.join(folder, "big")
    with open(big, "wb") as f:
        f.write(bytes(i * 37 % 256 for i in range(4099)) * 400)
    names = [os.path.join(folder, name) for name in ("file7", "file19", "big")]
    text = bundles.manifest("/bin/busybox", ["busybox", "sha256sum", *names],
                            ["file:/bin/busybox", f"file:{folder}/"], mounts=["/bin", folder])
    bundle = bundles.signed(context.build, text, context.scratch)
    right = set()
    for name in names:
        with open(name, "rb") as f:
            right.add(f"{hashlib.file_digest(f, 'sha256').hexdigest()}  {name}".encode())
    ends = set()
    for seed in range(1, 2 * SEEDS + 1):
        result = lying(context, seed, "rbc", (10, 30, 100)[seed % 3], seed * 17 % 250, [bundle])
        ends.add(result.status)
        lines = set(result.out.splitlines())
        assert lines <= right, f"seed {seed}: printed {sorted(lines - right)}"
        assert result.status != 0 or lines == right, f"seed {seed}: {len(lines)} lines, status 0"
    assert ends & {1, CELLA_FAILED, 126}, "no lie had any effect: does the host lie at all?"


for slow in (test_python, test_start, test_ticks, test_verified):
    slow.limit = 120  # seconds, for some dozens of runs

TESTS = [("files", test_files), ("static", test_static), ("python", test_python),
         ("signals", test_signals), ("start", test_start), ("ticks", test_ticks),
         ("requests", test_requests),
         ("verified", test_verified)]

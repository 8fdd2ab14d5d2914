# SPDX-License-Identifier: Apache-2.0
"""Many processes in one enclave: nothing is left of those that ended, and none outlives the first."""

import os
import re

FAMILY = "family"
KINDS = ["fork", "vfork", "spawn", "exec", "killed", "stopped", "orphan", "thread", "pidfd"]


def left(context, kind, n):
    """Processes, threads, files and kernel pages at the end."""
    command = context.enclave(["--stats"]) + [os.path.join(context.programs, FAMILY), kind, str(n)]
    result = context.run(command, timeout=60)
    text = result.err.decode()
    assert result.status == 0, f"{kind} {n}: {result.ending()} {text[-500:]}"
    match = re.search(r"processes +(\d+)  \((\d+) threads, (\d+) files, (\d+) kernel pages\)", text)
    assert match, text[:1000]
    return [int(number) for number in match.groups()]


def test_nothing_left(context):
    """The objects of a kernel that had few processes, and of one that had many."""
    for kind in KINDS:
        few, many = left(context, kind, 5), left(context, kind, 45)
        assert many[:3] == few[:3], f"{kind}: {few} after 5, {many} after 45"
        assert many[0] == 1, f"{kind}: {many} at the end"
        # Caches may take a little; what each process leaves would be 40 times as much.
        assert many[3] <= few[3] + 12, f"{kind}: {few} after 5, {many} after 45"


def test_first_ends(context):
    """The enclave ends with the first process and its status, and writes back what others changed."""
    path = os.path.join(context.scratch, "mapped")
    with open(path, "wb") as f:
        f.write(bytes(4096))
    result = context.run(context.enclave([]) + [os.path.join(context.programs, FAMILY), "leave", path],
                         timeout=20)
    assert result.status == 23, f"{result.ending()} {result.err}"
    with open(path, "rb") as f:
        assert f.read(4) == b"kept"


def test_fork_bomb(context):
    """fork says when memory is used up, hardly anybody is killed for it, and all of it comes back."""
    command = context.enclave(["--memory=64M"]) + [os.path.join(context.programs, "bomb"), "4"]
    result = context.run(command, timeout=60)
    text = result.out.decode()
    assert result.status == 0, f"{result.ending()} {text} {result.err.decode()[-500:]}"
    rounds = re.findall(r"^(\d+) children, (\d+) killed, Cannot allocate memory$", text, re.M)
    assert len(rounds) == 4, text
    # 2 MiB each of 64: caches that the first round fills may take the room of a few.
    assert all(15 <= int(n) <= 30 for n, _ in rounds), text
    assert abs(int(rounds[3][0]) - int(rounds[1][0])) <= 2, text
    # What children have alike and write to at last is more than fork could know of.
    assert all(int(killed) <= 2 for _, killed in rounds), text


TESTS = [(name[5:].replace("_", "-"), function) for name, function in list(globals().items())
         if name.startswith("test_")]

# SPDX-License-Identifier: Apache-2.0
"""Nothing is left behind: system call tests run several times in one enclave, and after each time the kernel has
what it had before: processes, threads, files, inodes, objects, pages (/proc/slabinfo). See programs/leaks.c."""

import os

import schedule

# Tests of a few seconds each, which leave nothing behind that others do not.
SLOW = {"ldisc_edit", "ldisc_flow", "ldisc_output", "ldisc_raw", "membarrier_order", "pty_threads",
        "signal_interrupt", "signal_limits"}
PARTS = 4


def left_behind(part):
    def test(context):
        if context.mode == "threads":
            raise schedule.Skip("nothing here depends on how the host is asked")
        folder = os.path.join(context.build, "test", "syscall")
        names = [name for name in sorted(os.listdir(folder)) if "." not in name and name not in SLOW]
        programs = [os.path.join(folder, name) for name in names[part::PARTS]]
        command = [os.path.join(context.programs, "leaks"), os.path.join(context.scratch, "work"),
                   *programs]
        result = context.run(context.launcher(command), timeout=60)
        text = result.out.decode("utf-8", "replace") + result.err.decode("utf-8", "replace")
        assert result.status == 0, f"{result.ending()}:\n{text[-1500:]}"
        assert f"{len(programs)} programs, 0 leaks" in text, text[-1500:]

    return test


TESTS = [(f"part{part}", left_behind(part)) for part in range(PARTS)]

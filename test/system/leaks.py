# SPDX-License-Identifier: Apache-2.0
"""Nothing is left behind: system call tests and other programs run several times in one enclave, and after each time
the kernel has what it had before: processes, threads, files, inodes, objects, pages (/proc/slabinfo). See
programs/leaks.c. The same for clients of a live enclave."""

import os
import re
import signal
import time

import live
import schedule

# Tests of a few seconds each, which leave nothing behind that others do not.
SLOW = {"ldisc_edit", "ldisc_flow", "ldisc_output", "ldisc_raw", "membarrier_order", "pty_threads",
        "signal_interrupt", "signal_limits"}
PARTS = 4


PROGRAMS = [
    "/usr/bin/python3 -c 'import os; [os.waitpid(os.fork() or os._exit(0), 0) for _ in range(5)]'",
    "/usr/bin/python3 -c 'import subprocess as s; print(s.run([\"ls\", \"/\"], capture_output=True))'",
    "/usr/bin/python3 -c 'import threading as t; a=[t.Thread(target=print) for _ in range(9)]; "
    "[x.start() for x in a]; [x.join() for x in a]'",
    "/usr/bin/python3 -c 'import multiprocessing as m; p=m.Pool(2); print(p.map(abs, range(9))); p.close(); p.join()'",
    "/usr/bin/python3 -c 'import asyncio; print(asyncio.run(asyncio.create_subprocess_shell(\"cat /etc/passwd\")))'",
    "/usr/bin/python3 -c 'import socket; a=socket.create_server((\"127.0.0.1\", 0)); "
    "b=socket.create_connection(a.getsockname()); c=a.accept()[0]; b.send(b\"x\"); print(c.recv(1))'",
    "/usr/bin/perl -e 'for (1..5) { fork() or exit(0); } 1 while wait() > 0'",
    "seq 1000 | sort -n | tail -n 3 | wc -l > out; cat < out; rm out",
    "(sleep 0.01 & sleep 0.01 & wait); sh -c 'sleep 0.01 & kill -9 $$'; true",
    "mkfifo p; cat p > /dev/null & echo text > p; wait; trap 'echo end' EXIT; ulimit -n 20",
    "find /usr/share/doc/b* > names; gzip names; gzip -dc names.gz | md5sum; tar cf t.tar /etc/apt; tar tf t.tar",
    "/usr/bin/sqlite3 f.db 'create table t(a); insert into t values (1), (2); select sum(a) from t;'",
]


def run_all(context, commands):
    command = [os.path.join(context.programs, "leaks"), os.path.join(context.scratch, "work"), *commands]
    result = context.run(context.launcher(command), timeout=60)
    text = result.out.decode("utf-8", "replace") + result.err.decode("utf-8", "replace")
    assert f"{len(commands)} programs, 0 leaks" in text, f"{result.ending()}:\n{text[-1500:]}"
    assert result.status == 0, result.ending()


def once(context):
    if context.mode == "threads":
        raise schedule.Skip("nothing here depends on how the host is asked")


def left_behind(part):
    def test(context):
        once(context)
        folder = os.path.join(context.build, "test", "syscall")
        names = [name for name in sorted(os.listdir(folder)) if "." not in name and name not in SLOW]
        run_all(context, [os.path.join(folder, name) for name in names[part::PARTS]])

    return test


def programs(context):
    once(context)
    run_all(context, PROGRAMS)


def look(box):
    """What the kernel has, by name. The map of pages is no leak: see programs/leaks.c."""
    result = box.exec(["/bin/sh", "-c", "echo 3 > /proc/sys/vm/drop_caches; exec cat /proc/slabinfo"])
    live.expect(result, 0)
    lines = re.findall(r"^([\w-]+) +(\d+) +\d+ +(\d+) ", result.out.decode(), re.M)
    counts = {name: int(count) for name, count, _ in lines}
    sizes = sorted(int(size) for name, _, size in lines if name.startswith("kmalloc-") and name[8:].isdigit())
    leaf = next(int(size) for name, _, size in lines if name == "page_map")
    counts[f"kmalloc-{next(size for size in sizes if size >= leaf)}"] -= counts.pop("page_map")
    counts["kmalloc-page"] -= counts.pop("page_map_node")
    return counts


def use(box, context):
    """What clients do: streams, an end by a signal, one that is killed, one whose program is not there."""
    live.expect(box.exec(["/bin/cat"], stdin=None), 0)
    live.expect(box.exec([live.program(context), "you"]), 0)
    live.expect(box.exec(["/bin/sh", "-c", "seq 20000 | sort | tail -n 1; kill -TERM $$"]), -signal.SIGTERM)
    assert box.exec(["/no/such"]).status != 0
    for sig in (signal.SIGINT, signal.SIGKILL):
        process = box.popen(["/bin/sleep", "100"])
        box.await_processes(lambda found: any(f[2].startswith("/bin/sleep") for f in found.values()))
        process.send_signal(sig)
        process.wait(20)
    box.await_processes(lambda found: not any(f[2].startswith("/bin/sleep") for f in found.values()))


def clients(context):
    once(context)
    with live.live(context) as box:
        before, growing = None, None
        for _ in range(7):
            use(box, context)
            time.sleep(0.1)
            now = look(box)
            if before:
                grown = {name for name in now if now[name] > before[name]}
                growing = grown if growing is None else growing & grown
                if not growing:
                    return
            before = now
        assert False, f"each time there is more: {growing}"


TESTS = [(f"part{part}", left_behind(part)) for part in range(PARTS)]
TESTS += [("programs", programs), ("clients", clients)]

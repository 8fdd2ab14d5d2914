# SPDX-License-Identifier: Apache-2.0
"""A thousand processes that live at the same time: all are in /proc, and all end when they are told to."""
import os
import signal
import sys
import time

COUNT = 1000


def sleepers():
    found = set()
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", encoding="ascii") as f:
                    pid, comm, state, ppid = f.read().split()[:4]
            except (FileNotFoundError, ProcessLookupError):
                continue
            if comm == "(sleep)" and state == "S" and int(ppid) == os.getpid():
                found.add(int(pid))
    return found


begin = time.monotonic()
pids = {os.posix_spawn("/bin/sleep", ["sleep", "1000"], os.environ) for _ in range(COUNT)}
started = time.monotonic()
print(len(pids), "started", flush=True)
while sleepers() != pids:
    time.sleep(0.05)
print("all sleep", flush=True)
seen = time.monotonic()
for pid in pids:
    os.kill(pid, signal.SIGTERM)
ends = {os.wait() for _ in range(COUNT)}
print("all ended by SIGTERM:", ends == {(pid, signal.SIGTERM) for pid in pids})
print("left:", len(sleepers()))
if "REPORT" in os.environ:
    print(f"start {started - begin:.2f} s, seen {seen - started:.2f} s, "
          f"end {time.monotonic() - seen:.2f} s", file=sys.stderr)

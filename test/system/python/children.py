# SPDX-License-Identifier: Apache-2.0
"""Python's subprocess and os.fork: pipes, time limits, sessions, descriptors, a fork server."""

import os
import signal
import socket
import subprocess
import sys
import threading

PYTHON = sys.executable


def show(*words):
    print(*words, flush=True)


def run_and_popen():
    show(subprocess.run(["sh", "-c", "cat; echo err >&2; exit 3"], input=b"in\n", capture_output=True))
    show(subprocess.check_output("seq 100 | tail -n 2", shell=True, text=True).split())
    show(subprocess.run([PYTHON, "-c", "import os; os.abort()"], stderr=subprocess.DEVNULL).returncode)
    try:
        subprocess.run(["/no/such/program"], check=True)
    except FileNotFoundError as e:
        show(e)
    try:
        subprocess.run(["sleep", "60"], timeout=0.3)
    except subprocess.TimeoutExpired:
        show("timed out")
    big = os.urandom(3_000_000)
    show(subprocess.run(["cat"], input=big, capture_output=True).stdout == big)
    first = subprocess.Popen(["seq", "1000"], stdout=subprocess.PIPE)
    second = subprocess.Popen(["wc", "-l"], stdin=first.stdout, stdout=subprocess.PIPE)
    first.stdout.close()
    show(second.communicate()[0].strip(), first.wait(), second.returncode)


def attributes():
    code = "import os; print(os.getsid(0) == os.getpid(), os.getcwd(), os.environ['A'], os.umask(0))"
    show(subprocess.check_output([PYTHON, "-c", code], start_new_session=True, cwd="/",
                                 env={"A": "b"}, umask=0o27))
    code = "import os; print(os.getpgrp() == os.getpid())"
    show(subprocess.check_output([PYTHON, "-c", code], process_group=0))
    reader, writer = os.pipe()
    child = subprocess.Popen(["sh", "-c", f"echo passed >&{writer}"], pass_fds=[writer])
    os.close(writer)
    show(os.read(reader, 100), child.wait())
    show(subprocess.check_output(["echo", "before"], preexec_fn=lambda: os.write(1, b"hook ")))


def from_threads():
    results = {}

    def work(i):
        results[i] = subprocess.check_output(["sh", "-c", f"echo {i}"])
    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    show([int(results[i]) for i in range(8)])


def serve(listener):
    """A server that forks for each client, until SIGTERM."""
    signal.signal(signal.SIGCHLD, lambda *_: reap())
    signal.signal(signal.SIGTERM, lambda *_: os._exit(9))
    while True:
        client, _ = listener.accept()
        if os.fork() == 0:
            with client, client.makefile("rw") as f:
                for line in f:
                    f.write(line.upper())
                    f.flush()
            os._exit(0)
        client.close()


def reap():
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def fork_server(listener, connect):
    listener.listen(20)
    pid = os.fork()
    if pid == 0:
        serve(listener)
    clients = [connect().makefile("rw") for _ in range(8)]
    for turn in range(5):
        for i, f in enumerate(clients):
            f.write(f"client {i} turn {turn}\n")
            f.flush()
        answers = [f.readline().strip() for f in clients]
    show(answers)
    os.kill(pid, signal.SIGTERM)
    show(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


def servers():
    tcp = socket.create_server(("127.0.0.1", 0))
    fork_server(tcp, lambda: socket.create_connection(tcp.getsockname()))
    unix = socket.socket(socket.AF_UNIX)
    unix.bind("server.sock")

    def connect():
        s = socket.socket(socket.AF_UNIX)
        s.connect("server.sock")
        return s
    fork_server(unix, connect)
    os.unlink("server.sock")


def spawn():
    pid = os.posix_spawn("/bin/sh", ["sh", "-c", "echo spawned; exit 4"], {},
                         file_actions=[(os.POSIX_SPAWN_OPEN, 1, "spawned.txt",
                                        os.O_WRONLY | os.O_CREAT, 0o644)],
                         setpgroup=0, setsigdef=[signal.SIGPIPE])
    show(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), open("spawned.txt").read())
    show(os.system("exit 5"), os.popen("echo popen").read())
    fd = os.pidfd_open(child := os.spawnlp(os.P_NOWAIT, "sleep", "sleep", "60"))
    signal.pidfd_send_signal(fd, signal.SIGKILL)
    show(os.waitid(os.P_PIDFD, fd, os.WEXITED).si_status, child > 0)


for part in (run_and_popen, attributes, from_threads, servers, spawn):
    show("==", part.__name__)
    part()

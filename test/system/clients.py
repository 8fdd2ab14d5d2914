# SPDX-License-Identifier: Apache-2.0
"""Broken and hostile clients of a live enclave: they speak host/control/wire.h, wrongly."""

import array
import os
import random
import resource
import select
import signal
import socket
import struct
import sys
import time

EXEC, SIGNAL, PS, ABOUT, STOP = 1, 2, 3, 4, 5
STARTED, FAILED, ENDED, HALTED, LIST, REFUSED = 16, 17, 18, 19, 20, 21
DETACH, GROUP = 1, 0x100
DATA_MAX = 8 << 20


def head(kind, length, version=1):
    return struct.pack("=IHH", length, kind, version)


def message(kind, data=b""):
    return head(kind, len(data)) + data


def request(argv, cwd=b"/", env=(), program=None, flags=0, mask=0, argc=None, envc=None):
    """EXEC, with whatever is to be wrong in it."""
    strings = [program if program is not None else argv[0] if argv else b"x", cwd, *argv, *env]
    numbers = (flags, mask, 0o22, len(argv) if argc is None else argc,
               len(env) if envc is None else envc)
    return message(EXEC, struct.pack("=IIIII", *numbers) + b"".join(s + b"\0" for s in strings))


class Client:
    """A connection that may do anything."""

    def __init__(self, path, timeout=20):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(path)
        self.sock.settimeout(timeout)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def send(self, data, fds=()):
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        try:
            if rights:
                sent = self.sock.sendmsg([data], rights)
                data = data[sent:]
            self.sock.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass  # refused before all of it was there

    def exactly(self, n):
        data = b""
        while len(data) < n:
            try:
                piece = self.sock.recv(n - len(data))
            except ConnectionResetError:
                piece = b""
            if not piece:
                return None
            data += piece
        return data

    def receive(self):
        """(kind, data), or None when the server has closed."""
        first = self.exactly(8)
        if first is None:
            return None
        length, kind, _ = struct.unpack("=IHH", first)
        return kind, self.exactly(length)

    def last(self):
        """The last message before the server closes."""
        got = None
        while True:
            more = self.receive()
            if more is None:
                return got
            got = more


def refused(path, data, fds=()):
    """Sent, and answered by REFUSED and the end of the connection."""
    with Client(path) as c:
        c.send(data, fds)
        got = c.last()
        assert got and got[0] == REFUSED and got[1], (data[:60], got)


def sent_away(path):
    """For another user: the connection is closed before a word is said. 0 when it is."""
    try:
        with Client(path, 5) as c:
            return 0 if c.receive() is None else 1
    except PermissionError:
        return 0


def ends(path, data, fds=()):
    """A request that is in order; the wait status of what ran, or what was said instead."""
    with Client(path) as c:
        c.send(data, fds)
        kind, text = c.last()
        return struct.unpack("=I", text)[0] if kind == ENDED else text


def wrong_messages(path):
    for data in (b"GET / HTTP/1.1\r\n\r\n", b"\0" * 64, b"\xff" * 64, os.urandom(8)[:7] + b"\xff",
                 head(EXEC, 20, 2) + b"\0" * 20, head(77, 0), head(0, 0), head(STARTED, 4),
                 head(EXEC, DATA_MAX + 21), head(EXEC, 0xffffffff), head(EXEC, 19), head(PS, 1),
                 head(SIGNAL, 3), head(SIGNAL, 5), head(STOP, 0), message(SIGNAL, b"\x0f\0\0\0")):
        refused(path, data)


def wrong_requests(path):
    true = [b"/bin/true"]
    for data in (request(true, argc=0), request(true, argc=2), request(true, argc=0xffffffff),
                 request(true, envc=1), request(true, envc=0xffffffff), request([]),
                 request(true + [b"x"], argc=1), request(true, program=b""),
                 request(true, program=b"x" * 5000), request(true, cwd=b"tmp"),
                 request(true, cwd=b"/" + b"x" * 5000), request(true, flags=4),
                 request(true)[:-1] + b"x", message(EXEC, b"\0" * 20)):
        refused(path, data)


def wrong_descriptors(path):
    true = [b"/bin/true"]
    null = os.open("/dev/null", os.O_RDWR)
    try:
        refused(path, request(true, mask=1))
        refused(path, request(true, mask=16), [null])
        refused(path, request(true, mask=0xffffffff), [null] * 3)
        refused(path, request(true, mask=7), [null] * 2)
        refused(path, request(true, mask=3), [null] * 3)
        refused(path, request(true, mask=7), [null] * 4)
        refused(path, request(true, mask=15), [null] * 5)
        refused(path, request(true, mask=7), [null] * 200)
        refused(path, request(true), [null])
        refused(path, message(PS), [null])
        with Client(path) as c:  # they come too late
            c.send(request(true, mask=1)[:20])
            c.send(request(true, mask=1)[20:], [null])
            assert c.last()[0] == REFUSED
    finally:
        os.close(null)


def odd_descriptors(path, folder):
    """Streams that are none: the program runs or does not, and that is all."""
    here, there = socket.socketpair()
    listening = socket.socket(socket.AF_UNIX)
    listening.bind("\0" + os.urandom(8).hex())
    listening.listen()
    reader, writer = os.pipe()
    own = Client(path)
    empty = [reader, own.sock.fileno(), listening.fileno()]  # to read them is to wait
    fds = [os.open(folder, os.O_RDONLY), os.open("/dev/null", os.O_PATH), select.epoll().fileno(),
           os.memfd_create("x"), os.pidfd_open(os.getpid()), os.open("/dev/zero", os.O_RDONLY),
           os.open("/dev/full", os.O_WRONLY), here.fileno(), writer,
           os.open("/proc/self/mem", os.O_RDONLY), os.open("/proc/self/ns/mnt", os.O_RDONLY)]
    there.close()
    for fd in fds + empty:
        for argv in ([b"/bin/true"], [b"/bin/head", b"-c", b"5"]):
            if argv[0] == b"/bin/true" or fd not in empty:
                got = ends(path, request(argv, mask=15), [fd] * 4)
                assert isinstance(got, (int, bytes)), (fd, got)
    assert ends(path, request([b"/bin/true"])) == 0
    for fd in fds + [reader]:
        try:
            os.close(fd)
        except OSError:
            pass  # it was another object's


def stealing(path):
    """Two programs and we ourselves read one pipe, whose bytes come one by one: nobody waits for ever."""
    reader, writer = os.pipe()
    null = os.open("/dev/null", os.O_WRONLY)
    with Client(path) as one, Client(path) as two:
        for c in (one, two):
            c.send(request([b"/bin/cat"], mask=3), [reader, null])
            assert c.receive()[0] == STARTED
        os.set_blocking(reader, False)
        for _ in range(300):
            os.write(writer, b"x")
            try:
                os.read(reader, 1)
            except BlockingIOError:
                pass
            os.set_blocking(reader, True)
            os.set_blocking(reader, False)
        assert ends(path, request([b"/bin/true"])) == 0
        os.close(writer)
        for c in (one, two):
            got = c.last()
            assert got == (ENDED, b"\0\0\0\0"), got
    os.close(reader)
    os.close(null)


def halves(path):
    """Connections that end in the middle of something."""
    whole = request([b"/bin/sleep", b"60"])
    for n in (0, 1, 7, 8, 9, 27, 28, len(whole) - 1, len(whole)):
        with Client(path) as c:
            c.send(whole[:n])
    with Client(path) as c:
        for byte in request([b"/bin/true"]):
            c.send(bytes([byte]))
        assert c.last() == (ENDED, b"\0\0\0\0")
    with Client(path) as c:
        c.send(request([b"/bin/sleep", b"60"]))
        assert c.receive()[0] == STARTED
        c.sock.shutdown(socket.SHUT_WR)
        assert c.last() is None


def after_start(path):
    """What does not belong behind a request ends the connection, and the program with it."""
    for data in (message(PS), request([b"/bin/true"]), message(SIGNAL, b"\0\0\0\0"),
                 message(SIGNAL, struct.pack("=I", 65)), message(SIGNAL, b"\xff" * 4), b"\xff" * 8):
        with Client(path) as c:
            c.send(request([b"/bin/sleep", b"60"]))
            assert c.receive()[0] == STARTED
            c.send(data)
            assert c.last()[0] == REFUSED, data


def large(path):
    """As much as may be asked for, and more than the enclave takes."""
    words = [b"/bin/true"] + [b"x" * 100000] * 15
    got = ends(path, request(words))
    assert got == 0, got
    for data in (request([b"/bin/true", b"x" * (DATA_MAX - 100)]),
                 request([b"/bin/true"] + [b""] * (DATA_MAX // 2)),
                 request([b"/bin/true"], env=[b"x"] * (DATA_MAX // 4))):
        text = ends(path, data)
        assert isinstance(text, bytes) and b"too long" in text, text
    clients = [Client(path) for _ in range(20)]
    for c in clients:  # more together than the server keeps; none of them is complete
        c.sock.settimeout(0.2)
        try:
            c.send(head(EXEC, DATA_MAX) + b"x" * (DATA_MAX - 1))
        except TimeoutError:
            pass
    assert ends(path, request([b"/bin/true"])) == 0
    for c in clients:
        c.sock.close()


def flood_of_signals(path):
    one = message(SIGNAL, struct.pack("=I", signal.SIGWINCH))
    with Client(path) as c:
        c.send(request([b"/bin/sleep", b"60"]))
        assert c.receive()[0] == STARTED
        for _ in range(100):
            c.send(one * 1000)
        assert ends(path, request([b"/bin/true"])) == 0
        c.send(message(SIGNAL, struct.pack("=I", signal.SIGTERM)))
        assert c.last() == (ENDED, struct.pack("=I", signal.SIGTERM))


def flood_of_connections(path):
    """More silent ones than there may be: the oldest go, and others still get in."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    silent = []
    for _ in range(min(1300, hard - 100)):
        silent.append(Client(path))
    for _ in range(3):
        assert ends(path, request([b"/bin/true"])) == 0
    never_read = [Client(path) for _ in range(50)]
    for c in never_read:
        c.send(message(PS))
    assert ends(path, request([b"/bin/true"])) == 0
    for c in silent + never_read:
        c.sock.close()


def random_messages(path, seed):
    """Changed bytes in a request that is in order."""
    dice = random.Random(seed)
    null = os.open("/dev/null", os.O_RDWR)
    for _ in range(150):
        data = bytearray(request([b"/bin/true", b"a"], env=[b"A=1"], mask=dice.choice((0, 1, 7))))
        for _ in range(dice.randrange(1, 4)):
            data[dice.randrange(len(data))] = dice.randrange(256)
        with Client(path) as c:
            c.send(bytes(data), [null] * dice.choice((0, 1, 3)))
            c.sock.shutdown(socket.SHUT_WR)
            c.last()
    os.close(null)


def storm(path, folder):
    """All of them against one enclave; each looks that others are still served."""
    silent = [Client(path, 30) for _ in range(3)]
    silent[1].send(b"\x10")
    silent[2].send(request([b"/bin/true"])[:30])
    since = time.monotonic()
    wrong_messages(path)
    wrong_requests(path)
    wrong_descriptors(path)
    odd_descriptors(path, folder)
    stealing(path)
    halves(path)
    after_start(path)
    large(path)
    flood_of_signals(path)
    random_messages(path, 1)
    for c in silent:  # they have said nothing for too long
        assert c.receive() is None
        assert time.monotonic() - since < 25
    flood_of_connections(path)


if __name__ == "__main__":
    storm(*sys.argv[1:3])

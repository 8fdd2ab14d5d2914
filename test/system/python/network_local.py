# SPDX-License-Identifier: Apache-2.0
# What event loops lean on: socketpairs, pipes, select, poll and epoll.
import os
import select
import selectors
import socket

a, b = socket.socketpair()
a.sendall(b"x" * 1000)
print(len(b.recv(2000)), select.select([a, b], [a, b], [], 0) == ([], [a, b], []))
r, w = os.pipe()
os.write(w, b"hello")
poll = select.poll()
poll.register(r, select.POLLIN)
print(poll.poll(0) == [(r, select.POLLIN)], os.read(r, 10))
with selectors.DefaultSelector() as selector:
    selector.register(b, selectors.EVENT_READ, "b")
    print(selector.select(0), type(selector).__name__)
    a.send(b"!")
    print([(key.data, events) for key, events in selector.select(1)])
a.close()
print(b.recv(10), b.recv(10))

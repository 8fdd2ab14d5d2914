#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Counts who asks, by a socket that nobody outside the enclave can reach."""

import signal
import socket
import sys

signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
server = socket.socket(socket.AF_UNIX)
server.bind("\0counter")
server.listen()
count = 0
while True:
    client, _ = server.accept()
    count += 1
    client.sendall(f"you are number {count}\n".encode())
    client.close()

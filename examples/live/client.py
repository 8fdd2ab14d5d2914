#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Another process of the enclave: asks the server, and tells whoever ran `cella exec`."""

import socket
import time

client = socket.socket(socket.AF_UNIX)
while True:
    try:
        client.connect("\0counter")
        break
    except ConnectionRefusedError:
        time.sleep(0.01)  # the server has just been started
print(client.makefile().read(), end="")

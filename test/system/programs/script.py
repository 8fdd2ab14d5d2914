#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
import sys

print(sys.argv[0].rpartition("/")[2], sys.argv[1:], sys.flags.dont_write_bytecode)

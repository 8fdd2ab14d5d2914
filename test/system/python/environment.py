# SPDX-License-Identifier: Apache-2.0
import os
import sys

print(sys.argv[1:], sorted(os.environ.items()))
print(os.getcwd() == os.path.realpath("."), sys.executable, sys.flags.ignore_environment)
print(os.sysconf("SC_PAGESIZE"), os.uname().sysname, os.uname().machine, os.getuid(), os.getgid())

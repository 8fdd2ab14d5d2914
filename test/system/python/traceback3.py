# SPDX-License-Identifier: Apache-2.0
# A traceback on standard error, then exit status 3.
import sys
import traceback


def inner(value):
    return {"key": value}["other"]


try:
    inner(1)
except KeyError:
    traceback.print_exc()
    print("partial output")
    sys.exit(3)

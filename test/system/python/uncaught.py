# SPDX-License-Identifier: Apache-2.0
import atexit

atexit.register(print, "at exit")
raise ValueError("nobody catches this: äöü")

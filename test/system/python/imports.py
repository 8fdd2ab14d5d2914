# SPDX-License-Identifier: Apache-2.0
# A wide set of standard modules loads, ssl and ctypes among them, and does a little.
import importlib

NAMES = """argparse array ast asyncio base64 bisect bz2 calendar cmath codecs collections
concurrent.futures configparser contextlib copy csv ctypes curses datetime decimal difflib dis
email.message enum fractions functools gzip hashlib heapq html http.client importlib inspect io
ipaddress itertools json logging lzma math mmap multiprocessing.pool operator os pathlib pickle
platform pprint queue random re secrets select selectors shelve shutil signal socket sqlite3 ssl
statistics string struct subprocess sys tempfile textwrap threading time tomllib traceback types
typing unicodedata unittest urllib.request uuid weakref xml.etree.ElementTree zipfile zlib
zoneinfo""".split()
for name in NAMES:
    importlib.import_module(name)
print(len(NAMES), "modules")
import ssl
print(ssl.OPENSSL_VERSION.split()[0], ssl.create_default_context().verify_mode)
import ctypes
libc = ctypes.CDLL(None)
print(libc.strlen(b"hello"), libc.abs(-5))
CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int))
numbers = (ctypes.c_int * 5)(5, 3, 1, 4, 2)
libc.qsort(numbers, 5, 4, CALLBACK(lambda a, b: a[0] - b[0]))
print(list(numbers))

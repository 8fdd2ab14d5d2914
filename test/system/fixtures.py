# SPDX-License-Identifier: Apache-2.0
"""Input files that many tests read and none writes, made once per build tree and always alike.

    thousand/   1,000 files in 20 directories, a few symlinks, fixed modes and times
    big.bin     100 MiB
    words.txt   200,000 lines to sort and search
    inserts.sql 100,000 inserts
"""

import fcntl
import os
import shutil

VERSION = "1"
TIME = 1_600_000_000


def noise(seed, size):
    """Bytes that look random and are always the same."""
    block = bytearray()
    state = seed or 1
    while len(block) < min(size, 65536):
        state = (state * 6364136223846793005 + 1442695040888963407) & (2**64 - 1)
        block += (state >> 16).to_bytes(6, "little")
    repeats = size // len(block) + 1 if block else 0
    return bytes(bytes(block) * repeats)[:size]


def make_thousand(base):
    for i in range(1000):
        folder = os.path.join(base, f"dir{i % 20:02}", "sub" if i % 3 == 0 else "")
        os.makedirs(folder, exist_ok=True)
        path = os.path.join(folder, f"file-{i:04}.{'txt' if i % 2 else 'bin'}")
        with open(path, "wb") as f:
            f.write(noise(i, i * 37 % 20000) if i % 2 == 0 else b"line of text\n" * (i % 50))
        os.chmod(path, 0o600 if i % 7 == 0 else 0o644)
    os.symlink("dir00", os.path.join(base, "link-to-dir"))
    os.symlink("dir01/file-0001.txt", os.path.join(base, "link-to-file"))
    os.symlink("nowhere", os.path.join(base, "dangling"))
    for folder, names, files in os.walk(base, topdown=False):
        for i, name in enumerate(sorted(names + files)):
            when = TIME + i * 3601
            os.utime(os.path.join(folder, name), (when, when), follow_symlinks=False)
    os.utime(base, (TIME, TIME))


def make_all(base):
    make_thousand(os.path.join(base, "thousand"))
    with open(os.path.join(base, "big.bin"), "wb") as f:
        for i in range(100):
            f.write(noise(i + 77, 1 << 20))
    with open(os.path.join(base, "words.txt"), "w", encoding="ascii") as f:
        for i in range(200_000):
            f.write(f"{i * 7919 % 199_999:06} {'abcdefghij'[i % 10] * (i % 13)} {i % 97}\n")
    with open(os.path.join(base, "inserts.sql"), "w", encoding="ascii") as f:
        f.write("create table t(id integer primary key, name text, value real);\nbegin;\n")
        for i in range(100_000):
            f.write(f"insert into t(name, value) values('name {i * 31 % 9973}', {i}.25);\n")
        f.write("commit;\ncreate index by_name on t(name);\n"
                "select count(*), sum(value) from t;\n"
                "select name, count(*) c from t group by name order by c desc, name limit 5;\n"
                "pragma integrity_check;\n")


def make(base):
    """Makes the fixtures unless they are there. Several runners may call this at once."""
    os.makedirs(base, exist_ok=True)
    stamp = os.path.join(base, "stamp")
    with open(os.path.join(base, "lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if os.path.exists(stamp):
            with open(stamp, encoding="ascii") as f:
                if f.read() == VERSION:
                    return
        for name in os.listdir(base):
            path = os.path.join(base, name)
            if os.path.isdir(path):
                shutil.rmtree(path)
        make_all(base)
        with open(stamp, "w", encoding="ascii") as f:
            f.write(VERSION)

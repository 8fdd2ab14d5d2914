# SPDX-License-Identifier: Apache-2.0
"""What an ordinary Python program does, in an enclave: data, text, a database, threads, asyncio."""

import asyncio
import hashlib
import json
import os
import platform
import sqlite3
import ssl
import sys
import threading


def database():
    db = sqlite3.connect(":memory:")
    db.execute("create table words(word text primary key, count integer)")
    for word in "the enclave runs the distribution's own python in the enclave".split():
        db.execute("insert into words values(?, 1) on conflict(word) do update set count = count + 1",
                   (word,))
    return db.execute("select word, count from words order by count desc, word limit 3").fetchall()


def threads(count=8):
    results, lock = [], threading.Lock()

    def work(number):
        digest = hashlib.sha256(str(number).encode() * 10000).hexdigest()
        with lock:
            results.append((number, digest[:8]))

    members = [threading.Thread(target=work, args=(n,)) for n in range(count)]
    for member in members:
        member.start()
    for member in members:
        member.join()
    return sorted(results)


async def tasks():
    async def one(number):
        await asyncio.sleep(0.01 * (5 - number))
        return number * number

    return await asyncio.gather(*(one(n) for n in range(5)))


def main():
    print(f"Python {platform.python_version()} on {os.uname().sysname}, process {os.getpid()}")
    print("arguments:  ", sys.argv[1:])
    print("environment:", json.dumps(dict(sorted(os.environ.items()))))
    print("database:   ", database())
    print("threads:    ", threads()[:3])
    print("asyncio:    ", asyncio.run(tasks()))
    print("ssl:        ", ssl.OPENSSL_VERSION)
    try:
        with open("/etc/shadow", encoding="utf-8") as f:
            print("read what is not in the manifest:", len(f.read()))
    except OSError as error:
        print("refused:    ", error)


if __name__ == "__main__":
    main()

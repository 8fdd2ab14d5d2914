#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Sources of Debian packages, for tests that build one or run the suite that comes with it.

    test/sources.py BUILD PACKAGE     prints the folder with the unpacked source

`tree(build, package)` fetches the source as `apt-get source` does, once per build tree, and unpacks it
below BUILD/sources. apt verifies it against the distribution's signatures. The machine's own
configuration of apt is read, never changed: its list of sources, turned into deb-src, is a file of ours,
and so are the lists that `apt-get update` brings for it. Where there is no apt or no net, tests that
want a source are skipped.
"""

import fcntl
import glob
import os
import re
import shutil
import subprocess
import sys

unreachable = {}  # package -> why it could not be had, so that it is tried once a run
LISTS = ["/etc/apt/sources.list", *sorted(glob.glob("/etc/apt/sources.list.d/*.list"))]
DEB822 = sorted(glob.glob("/etc/apt/sources.list.d/*.sources"))


class NoSource(Exception):
    """The source cannot be had, and why."""


def source_entries(folder):
    """Writes where the machine's packages come from as places of sources. Returns the files."""
    entries = {"list": "", "sources": ""}
    for path in LISTS:
        if os.path.exists(path):
            with open(path, encoding="utf-8") as f:
                entries["list"] += re.sub(r"(?m)^deb\s", "deb-src ", f.read()) + "\n"
    for path in DEB822:
        with open(path, encoding="utf-8") as f:
            entries["sources"] += re.sub(r"(?m)^Types:.*", "Types: deb-src", f.read()) + "\n\n"
    parts = os.path.join(folder, "parts")
    os.makedirs(parts, exist_ok=True)
    for kind, text in entries.items():
        with open(os.path.join(parts, "ours." + kind), "w", encoding="utf-8") as f:
            f.write(text)
    return parts


def apt_get(folder, *words):
    """apt-get with lists of its own, in a folder of ours."""
    lists = os.path.join(folder, "lists")
    os.makedirs(os.path.join(lists, "partial"), exist_ok=True)
    command = ["apt-get", "-q", "-o", "Dir::Etc::sourcelist=/dev/null",
               "-o", "Dir::Etc::sourceparts=" + source_entries(folder),
               "-o", "Dir::State::lists=" + lists, "-o", "APT::Sandbox::User=root",
               "-o", "Acquire::Retries=2", "-o", "Acquire::http::Timeout=20", *words]
    try:
        done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, timeout=300, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoSource(str(error)) from error
    if done.returncode:
        raise NoSource(f"apt-get {words[0]}: " + done.stdout.decode("utf-8", "replace")[-300:])


def unpack(folder, package, target):
    """The original and Debian's directory beside it, without its patches applied."""
    with open(glob.glob(os.path.join(folder, "*.dsc"))[0], encoding="utf-8") as f:
        files = re.findall(r"(?m)^ [0-9a-f]{64} \d+ (\S+)$", f.read())
    original = [name for name in files if re.search(r"\.orig\.tar\.\w+$", name)]
    debian = [name for name in files if re.search(r"\.debian\.tar\.\w+$", name)]
    if len(original) != 1 or len(debian) != 1:
        raise NoSource(f"{package}: not an original and a debian directory: {files}")
    fresh = target + ".new"
    shutil.rmtree(fresh, ignore_errors=True)
    os.makedirs(fresh)
    for name, strip in ((original[0], ["--strip-components=1"]), (debian[0], [])):
        subprocess.run(["tar", "--no-same-owner", "-xf", os.path.join(folder, name), "-C", fresh,
                        *strip], check=True, timeout=120)
    os.rename(fresh, target)


def fetch(base, package, target):
    """Brings a package's source and unpacks it."""
    folder = os.path.join(base, "apt")
    os.makedirs(folder, exist_ok=True)
    if not glob.glob(os.path.join(folder, "lists", "*_Sources*")):
        apt_get(folder, "update")
    fetched = os.path.join(folder, package)
    shutil.rmtree(fetched, ignore_errors=True)
    os.makedirs(fetched)
    apt_get(folder, "source", "--download-only", package)
    for path in glob.glob(os.path.join(folder, "*.dsc")) + glob.glob(
            os.path.join(folder, "*.tar.*")):
        os.rename(path, os.path.join(fetched, os.path.basename(path)))
    unpack(fetched, package, target)


def tree(build, package):
    """The folder with the unpacked source, or NoSource. Several runners may call this at once."""
    base = os.path.join(os.path.abspath(build), "sources")
    target = os.path.join(base, package)
    os.makedirs(base, exist_ok=True)
    with open(os.path.join(base, "lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.isdir(target):
            if package in unreachable:
                raise NoSource(unreachable[package])
            try:
                fetch(base, package, target)
            except NoSource as error:
                unreachable[package] = str(error)
                raise
        return target


if __name__ == "__main__":
    try:
        print(tree(*sys.argv[1:3]))
    except NoSource as reason:
        sys.exit(str(reason))

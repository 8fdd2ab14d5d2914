# SPDX-License-Identifier: Apache-2.0
"""Debian's Node.js, as shipped: worker threads, timers, a server and its clients.

A machine may have another Node.js in its place, which its Debian's cannot be installed beside. Then the
packages are unpacked in the build tree, and both sides run in a mount namespace in which the
unpacked /usr/share lies over the real one: node looks for files of its own there.
"""

import glob
import os
import shutil
import subprocess
import threading

import harness
import run as system
import schedule

PACKAGES = ["nodejs", "libnode108", "node-acorn", "node-cjs-module-lexer", "node-undici"]
LIBRARY = "usr/lib/x86_64-linux-gnu/libnode.so.108"
INSIDE = ('mount -t overlay -o lowerdir="$0/usr/share:/usr/share" overlay /usr/share'
          ' && exec env LD_LIBRARY_PATH="$0/usr/lib/x86_64-linux-gnu" "$@"')
lock = threading.Lock()


def command(words, cwd):
    """Runs a command that prepares; Skip if it fails."""
    result = harness.run(words, cwd, timeout=harness.HEAVY)
    if result.status != 0 or result.hang:
        raise schedule.Skip(f"Debian's nodejs is not here: {words[0]}: {result.ending()}: "
                            + result.err.decode("utf-8", "replace").strip()[-200:])


def unpacked(build):
    """The folder with the unpacked packages."""
    folder = os.path.join(build, "debian-node")
    with lock:
        if not os.path.isdir(folder):
            work = harness.fresh_directory(folder + ".new")
            names = [name + "/bookworm" if name == "nodejs" else name for name in PACKAGES]
            for name in names:
                command(["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", name], work)
            for package in glob.glob(os.path.join(work, "*.deb")):
                command(["dpkg", "-x", package, work], work)
                os.unlink(package)
            os.rename(work, folder)
    return folder


def debian_node(build):
    """(prefix, path): what to put before each command, and the node to run."""
    owner = subprocess.run(["dpkg-query", "-S", "/" + LIBRARY], stdin=subprocess.DEVNULL,
                           capture_output=True, check=False, timeout=harness.TIMEOUT)
    if owner.returncode == 0 and os.path.exists("/usr/bin/node"):
        return [], "/usr/bin/node"
    if not shutil.which("unshare"):
        raise schedule.Skip("unshare is not here")
    folder = unpacked(build)
    prefix = ["unshare", "-m"] if os.getuid() == 0 else ["unshare", "-rm"]
    command([*prefix, "/bin/sh", "-c", INSIDE, folder, "/bin/true"], build)
    return prefix + ["/bin/sh", "-c", INSIDE, folder], os.path.join(folder, "usr/bin/node")


def check(context, script, status):
    """The script natively and in the enclave."""
    prefix, node = debian_node(context.build)
    words = [node, os.path.join(context.dir, "node", script)]
    native = context.run(prefix + words)
    if native.hang or native.status != status:
        return f"the test itself is wrong: natively {native.ending()}: {native.err[-1000:]!r}"
    result = context.run(prefix + context.launcher(words))
    return system.compare({}, native, b"", result, b"")


def test_workers(context):
    return check(context, "workers.js", 7)


def test_http(context):
    return check(context, "http.js", 0)


TESTS = [("workers", test_workers), ("http", test_http)]

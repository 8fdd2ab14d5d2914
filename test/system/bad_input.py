# SPDX-License-Identifier: Apache-2.0
"""Bad input of every kind: one clear line, the right exit status, no hang, nothing half done."""

import os
import random
import select
import shutil
import signal
import struct
import subprocess
import time

import bundles
import harness

CELLA_FAILED, NOT_EXECUTABLE, NOT_FOUND = 125, 126, 127


def program(context, name="hello_static"):
    return os.path.join(context.programs, name)


def simple_manifest(context, extra=(), **rest):
    path = program(context)
    return bundles.manifest(path, ["hello", "there"], ["file:" + path], mounts=[context.programs],
                            extra=extra, **rest)


def refused(result, status=CELLA_FAILED, *words):
    """The command ended with the status, printed no output and one line that has the words."""
    assert not result.hang, "hang"
    lines = result.err.decode("utf-8", "replace").splitlines()
    assert result.status == status, f"{result.ending()}, not status {status}; said {lines}"
    assert result.out == b"", f"printed {result.out[:200]!r}"
    assert len(lines) == 1, f"{len(lines)} lines, not one: {lines[:6]}"
    for word in words:
        assert word.lower() in lines[0].lower(), f"no '{word}' in: {lines[0]}"


def flip(path, offset, mask=0x10):
    """Changes one byte of a file."""
    with open(path, "r+b") as f:
        f.seek(offset)
        value = f.read(1)[0]
        f.seek(offset)
        f.write(bytes([value ^ mask]))


def run_bundle(context, bundle, options=(), **rest):
    return context.run(context.enclave(options) + [bundle], **rest)


# Trusted files that are not what was signed.

def trusted_setup(context, size=3_000_000):
    """A bundle that prints a trusted data file, its path, and the intact output."""
    data = os.path.join(context.scratch, "data")
    content = bytes(i * 31 % 251 for i in range(1009)) * (size // 1009 + 1)
    with open(data, "wb") as f:
        f.write(content[:size])
    text = bundles.manifest("/bin/busybox", ["busybox", "cat", data],
                            ["file:/bin/busybox", "file:" + data],
                            mounts=["/bin", context.scratch])
    return bundles.signed(context.build, text, context.scratch), data, content[:size]


def test_trusted_changed(context):
    """Wherever the byte is, the program gets nothing that is not what was signed."""
    bundle, data, content = trusted_setup(context)
    result = run_bundle(context, bundle)
    assert result.status == 0 and result.out == content, result.ending()
    for offset in (0, 4095, 4096, len(content) // 2, len(content) - 1):
        flip(data, offset)
        result = run_bundle(context, bundle)
        assert not result.hang and result.status == 1, f"offset {offset}: {result.ending()}"
        assert content.startswith(result.out) and len(result.out) <= offset, f"offset {offset}"
        assert b"data" in result.err, result.err
        flip(data, offset)
    assert run_bundle(context, bundle).out == content


def test_trusted_size_changed(context):
    bundle, data, content = trusted_setup(context, 100_000)
    for size in (0, 50_000, 99_999):
        os.truncate(data, size)
        result = run_bundle(context, bundle)
        assert not result.hang and result.status == 1, f"size {size}: {result.ending()}"
        assert content.startswith(result.out), f"size {size}"
    with open(data, "wb") as f:
        f.write(content + b"more")
    result = run_bundle(context, bundle)
    assert result.status == 1 or result.out == content, result.ending()


def test_trusted_missing(context):
    bundle, data, _ = trusted_setup(context, 10_000)
    os.unlink(data)
    result = run_bundle(context, bundle)
    assert not result.hang and result.status == 1 and result.out == b"", result.ending()
    assert b"data" in result.err, result.err


def test_trusted_program_changed(context):
    """The program itself: no changed byte of it runs."""
    folder = os.path.join(context.scratch, "bin")
    os.mkdir(folder)
    path = shutil.copy(program(context), folder)
    text = bundles.manifest(path, ["hello"], ["file:" + path], mounts=[folder])
    bundle = bundles.signed(context.build, text, context.scratch)
    assert run_bundle(context, bundle).status == 0
    for offset in (20, 0x1000):
        flip(path, offset)
        result = run_bundle(context, bundle)
        # What the start needs is refused; a page that is first used later ends the program.
        assert result.status in (CELLA_FAILED, NOT_EXECUTABLE, -signal.SIGBUS), \
            f"offset {offset}: {result.ending()}, {result.out[:100]!r}"
        refused(result, result.status, os.path.basename(path))
        flip(path, offset)
    os.unlink(path)
    refused(run_bundle(context, bundle), NOT_FOUND, os.path.basename(path))


def test_trusted_child_changed(context):
    """A program that another one starts: execve says EACCES, or it dies of the page, and its parent goes on."""
    folder = os.path.join(context.scratch, "bin")
    os.mkdir(folder)
    path = shutil.copy(program(context), folder)
    script = f"for n in 1 2; do {path} you; echo $?; done; exec 2>/dev/null; exec {path} you"
    text = bundles.manifest("/bin/busybox", ["sh", "-c", script], ["file:/bin/busybox", "file:" + path],
                            mounts=["/bin", folder])
    bundle = bundles.signed(context.build, text, context.scratch)
    good = run_bundle(context, bundle)
    assert (good.status, good.out.count(b"hello you")) == (0, 3), (good.ending(), good.err)
    ends = {20: [b"126"], 0x1000: [b"126", b"%d" % (128 + signal.SIGBUS)]}
    for offset, allowed in ends.items():
        flip(path, offset)
        result = run_bundle(context, bundle)
        assert not result.hang and not result.leftover, result.ending()
        words = result.out.split()
        assert len(words) == 2 and words[0] == words[1] and words[0] in allowed, \
            (offset, result.ending(), result.out, result.err)
        assert words[0] != b"126" or b"ermission denied" in result.err, result.err
        assert result.status in (NOT_EXECUTABLE, -signal.SIGBUS), result.ending()
        assert os.path.basename(path).encode() in result.err, result.err
        flip(path, offset)


# What can become of a signed file that is to be executed: how it is done, and what the line about it says.
WRONG = {
    "shorter": (lambda path: os.truncate(path, os.path.getsize(path) - 1), "when it was signed"),
    "empty": (lambda path: os.truncate(path, 0), "when it was signed"),
    "longer": (lambda path: os.truncate(path, os.path.getsize(path) + 1), "when it was signed"),
    "replaced": (lambda path: write_over(path, b"#!/bin/sh\n"), "has changed since it was signed"),
    "unread": (lambda path: os.chmod(path, 0), "does not let us read it"),
    "folder": (lambda path: (os.unlink(path), os.mkdir(path)), "no regular file"),
    "fifo": (lambda path: (os.unlink(path), os.mkfifo(path)), "no regular file"),
    "loop": (lambda path: (os.unlink(path), os.symlink(path, path)), "cannot be opened"),
    "gone": (os.unlink, "is missing"),
}


def write_over(path, start):
    """Other contents of the same size."""
    size = os.path.getsize(path)
    with open(path, "wb") as f:
        f.write(start.ljust(size, b"\n"))


def wrong_files(context, folder):
    """(command, file that will be wrong, way): programs, scripts' interpreters, dynamic loaders."""
    loader = b"/lib64/ld-linux-x86-64.so.2"
    with open(program(context, "hello"), "rb") as f:
        dynamic = f.read()
    assert loader in dynamic
    for way in WRONG:
        shutil.copy(program(context), f"{folder}/p-{way}")
        yield f"p-{way}", f"p-{way}", way
        shutil.copy(program(context), f"{folder}/i-{way}")
        with open(f"{folder}/s-{way}", "wb") as f:
            f.write(f"#!/w/i-{way}\n".encode())
        yield f"s-{way}", f"i-{way}", way
        shutil.copy(os.path.realpath(loader.decode()), f"{folder}/l-{way}")
        with open(f"{folder}/d-{way}", "wb") as f:
            f.write(dynamic.replace(loader, f"/w/l-{way}".encode().ljust(len(loader), b"\0")))
        yield f"d-{way}", f"l-{way}", way
    for name in os.listdir(folder):
        os.chmod(f"{folder}/{name}", 0o755)


def test_trusted_exec_wrong(context):
    """However a signed file that is to be executed is wrong, execve says EACCES (ENOENT: it is gone), one line says
    which file, why, and what to do, and the parent lives on."""
    folder = os.path.join(context.scratch, "w")
    os.mkdir(folder)
    wrong = list(wrong_files(context, folder))
    names = " ".join(command for command, _, _ in wrong)
    script = f"for f in {names}; do /w/$f you; echo $f $?; done"
    text = bundles.manifest("/bin/busybox", ["sh", "-c", script],
                            ["file:/bin/busybox", f"file:{folder}/"] + bundles.C_RUNTIME,
                            mounts=["/bin", ("/w", folder)])
    bundle = bundles.signed(context.build, text, context.scratch)
    good = run_bundle(context, bundle)
    assert good.out.count(b"hello ") == len(wrong), (good.ending(), good.out, good.err)
    for _, name, way in wrong:
        WRONG[way][0](f"{folder}/{name}")
    # Root reads what is nobody's to read, unless it is without the right to.
    user = [] if os.getuid() else ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
    result = context.run(user + context.enclave() + [bundle])
    ends = "".join(f"{command} {127 if way == 'gone' else 126}\n" for command, _, way in wrong)
    assert result.out.decode() == ends, (result.ending(), result.out, result.err)
    said = result.err.decode().splitlines()
    for command, name, way in wrong:
        about = [line for line in said if f"trusted file /w/{name}: " in line]
        assert len(about) == 1 and WRONG[way][1] in about[0] and "; " in about[0], (name, said)
        why = "not found" if way == "gone" else "ermission denied"
        assert any(f"/w/{command}: " in line and why in line for line in said), (command, said)


def test_trusted_exec_cut_short(context):
    """A program that is cut short after it was verified once: what is not in the enclave yet is never run."""
    folder, other = (os.path.join(context.scratch, name) for name in ("w", "a"))
    os.mkdir(folder)
    os.mkdir(other)
    shutil.copy(program(context), f"{folder}/prog")
    os.link(f"{folder}/prog", f"{other}/prog")
    script = "/w/prog you; : > /a/prog; for n in 1 2; do /w/prog you; echo $?; done"
    text = bundles.manifest("/bin/busybox", ["sh", "-c", script], ["file:/bin/busybox", f"file:{folder}/prog"],
                            [f"file:{other}/"], mounts=["/bin", ("/w", folder), ("/a", other)])
    bundle = bundles.signed(context.build, text, context.scratch)
    result = run_bundle(context, bundle)
    lines = result.out.decode().splitlines()
    assert result.status == 0 and lines[0].startswith("hello you"), (result.ending(), result.out, result.err)
    ends = [line for line in lines if not line.startswith("hello you")]
    assert len(ends) == 2 and set(ends) <= {"0", "126", str(128 + signal.SIGBUS)}, (result.out, result.err)


def test_trusted_library_changed(context):
    """A library that the dynamic loader maps."""
    folder = os.path.join(context.scratch, "lib")
    shutil.copytree("/lib/x86_64-linux-gnu", folder, symlinks=True,
                    ignore=lambda _, names: [n for n in names if not n.startswith("libc.so")])
    path = program(context, "hello")
    text = bundles.manifest(path, ["hello"], ["file:" + path, "file:/lib64/ld-linux-x86-64.so.2",
                                              f"file:{folder}/libc.so.6"],
                            mounts=[context.programs, folder],
                            env={"LD_LIBRARY_PATH": folder})
    bundle = bundles.signed(context.build, text, context.scratch)
    good = run_bundle(context, bundle)
    assert good.status == 0, good.err
    library = os.path.join(folder, "libc.so.6")
    names = subprocess.run(["nm", "-D", library], check=True, capture_output=True, text=True).stdout
    used = int(next(line.split()[0] for line in names.splitlines() if " __libc_start_main@" in line),
               16)
    # Pages are verified when they are first used: the headers and code that surely run.
    for offset in (20, 0x90, used):
        flip(library, offset)
        result = run_bundle(context, bundle)
        assert not result.hang and result.out == b"" and result.status != 0, \
            f"offset {offset:#x}: {result.ending()}"
        assert b"libc.so.6" in result.err, result.err
        flip(library, offset)
    assert run_bundle(context, bundle).status == 0


# The kernel image, the configuration, the signature.

def kernel_segments(path):
    """(offset, size) of the PT_LOAD segments of an ELF file."""
    with open(path, "rb") as f:
        image = f.read()
    start, = struct.unpack_from("<Q", image, 32)
    size, count = struct.unpack_from("<HH", image, 54)
    for i in range(count):
        kind, _, offset, _, _, length = struct.unpack_from("<IIQQQQ", image, start + i * size)
        if kind == 1 and length:
            yield offset, length


def test_kernel_changed(context):
    bundle = bundles.signed(context.build, simple_manifest(context), context.scratch)
    kernel = os.path.join(context.scratch, "kernel")
    image = os.path.join(context.build, "cella-kernel")
    shutil.copy(image, kernel)
    assert run_bundle(context, bundle, ["--kernel", kernel]).status == 0
    for offset, length in kernel_segments(image):
        flip(kernel, offset + length // 2)
        refused(run_bundle(context, bundle, ["--kernel", kernel]), CELLA_FAILED)
        flip(kernel, offset + length // 2)


def test_kernel_truncated(context):
    image = os.path.join(context.build, "cella-kernel")
    kernel = os.path.join(context.scratch, "kernel")
    end = max(offset + length for offset, length in kernel_segments(image))
    for size in (0, 10, 64, 200, 4096, end // 2, end - 1):
        shutil.copy(image, kernel)
        os.truncate(kernel, size)
        result = context.run(context.enclave(["--kernel", kernel]) + [program(context)])
        refused(result, CELLA_FAILED, "kernel")
    refused(context.run(context.enclave(["--kernel", "/absent"]) + [program(context)]),
            CELLA_FAILED, "/absent")


def test_bundle_changed(context):
    """A changed bit anywhere in the bundle: header, configuration, signature, hashes."""
    bundle = bundles.signed(context.build, simple_manifest(context), context.scratch)
    size = os.path.getsize(bundle)
    chosen = random.Random(1).sample(range(size), min(60, size)) + list(range(0, 64, 4))
    for offset in chosen:
        flip(bundle, offset)
        result = run_bundle(context, bundle)
        assert not result.hang and result.out == b"", f"offset {offset}: {result.ending()}"
        assert result.status in (CELLA_FAILED, NOT_EXECUTABLE), f"offset {offset}: {result.ending()}"
        lines = result.err.splitlines()
        assert len(lines) == 1, f"offset {offset}: {lines}"
        flip(bundle, offset)


def test_bundle_truncated(context):
    bundle = bundles.signed(context.build, simple_manifest(context), context.scratch)
    with open(bundle, "rb") as f:
        content = f.read()
    for size in (8, 63, 64, 100, 2000, len(content) // 2, len(content) - 1):
        with open(bundle, "wb") as f:
            f.write(content[:size])
        result = run_bundle(context, bundle)
        refused(result, result.status)
        assert result.status in (CELLA_FAILED, NOT_EXECUTABLE), f"{size}: {result.ending()}"


def test_bundle_missing(context):
    refused(run_bundle(context, "/absent/bundle.cella"), NOT_FOUND, "/absent/bundle.cella")
    with open(os.path.join(context.scratch, "empty"), "wb"):
        pass
    refused(run_bundle(context, os.path.join(context.scratch, "empty")), NOT_EXECUTABLE, "empty")


# Manifests.

MANIFESTS = {
    "wrong-type": ('sgx.debug = "yes"', "sgx.debug"),
    "wrong-type-list": ('sgx.trusted_files = "file:/x"', "sgx.trusted_files"),
    "wrong-type-size": ("sgx.enclave_size = 1.5", "sgx.enclave_size"),
    "bad-size": ('sgx.enclave_size = "many"', "sgx.enclave_size"),
    "negative": ("sgx.max_threads = -1", "sgx.max_threads"),
    "unknown-key": ("sgx.enclave_sise = '1G'", "enclave_size"),
    "unknown-table": ("[sgxx]\na = 1", "sgx"),
    "bad-toml": ("a = = 1", ":"),
    "unclosed": ('x = "abc', ":"),
    "twice": ("sgx.debug = true\nsgx.debug = false", "debug"),
    "bad-uri": ('sgx.trusted_files = ["/no/scheme"]', "/no/scheme"),
    "absent-file": ('sgx.trusted_files = ["file:@", "file:@.absent"]', ".absent"),
    "absent-directory": ('sgx.trusted_files = ["file:@", "file:@.absent/"]', ".absent"),
    "not-utf8": (b"a = '\xff\xfe'", ":"),
    "bad-mount": ('fs.mounts = [{ path = "/x" }]', "uri"),
    "bad-mount-type": ('fs.mounts = [{ type = "floppy", path = "/x", uri = "file:/x" }]', "floppy"),
}


def test_manifests(context):
    """Every mistake is found, at its place, and leaves no bundle behind."""
    key = bundles.key_for(context.build)
    for name, (text, word) in MANIFESTS.items():
        source = os.path.join(context.scratch, name + ".toml")
        bundle = os.path.join(context.scratch, name + ".cella")
        body = text if isinstance(text, bytes) else text.encode()
        path = program(context).encode()
        base = b'libos.entrypoint = "@"\nloader.argv = ["x"]\n'
        if b"fs.mounts" not in body:
            folder = os.path.dirname(path)
            base += b'fs.mounts = [{ path = "' + folder + b'", uri = "file:' + folder + b'" }]\n'
        if b"sgx.trusted_files" not in body:
            base += b'sgx.trusted_files = ["file:@"]\n'
        with open(source, "wb") as f:
            f.write((base + body + b"\n").replace(b"@", path))
        result = context.run([context.cella, "sign", source, "-k", key, "-o", bundle])
        lines = result.err.decode("utf-8", "replace").splitlines()
        assert not result.hang and result.status > 0, f"{name}: {result.ending()}"
        assert len(lines) == 1, f"{name}: {lines}"
        assert word in lines[0] and f"{name}.toml" in lines[0], f"{name}: {lines[0]}"
        assert not os.path.exists(bundle), f"{name}: left a bundle"
    left = [n for n in os.listdir(context.scratch) if not n.endswith(".toml")]
    assert not left, f"left behind: {left}"


def test_manifest_missing(context):
    result = context.run([context.cella, "sign", "/absent.toml"])
    assert result.status > 0 and len(result.err.splitlines()) == 1, result.err
    assert b"/absent.toml" in result.err


# Programs.

def test_elf_truncated(context):
    """As natively: what the kernel would not execute is 126; nothing hangs or ends badly."""
    path = os.path.join(context.scratch, "program")
    size = os.path.getsize(program(context))
    for length in (1, 4, 20, 63, 64, 100, 300):
        shutil.copy(program(context), path)
        os.truncate(path, length)
        refused(context.run(context.enclave() + [path]), NOT_EXECUTABLE, "program")
    for length in (0x800, 0x2000, size // 2):
        shutil.copy(program(context), path)
        os.truncate(path, length)
        result = context.run(context.enclave() + [path])
        assert not result.hang and result.status != 0 and b"panic" not in result.err, \
            f"length {length}: {result.ending()}: {result.err!r}"


def test_elf_hostile(context):
    """Random changes to the headers of static and dynamic programs."""
    chosen = random.Random(7)
    for name in ("hello_static", "hello", "hello_static_pie"):
        with open(program(context, name), "rb") as f:
            image = f.read()
        for round_number in range(20):
            changed = bytearray(image)
            for _ in range(chosen.randrange(1, 4)):
                offset = chosen.randrange(16, 64 + 56 * 8)
                changed[offset] = chosen.choice([0, 1, 0x7F, 0x80, 0xFF, chosen.randrange(256)])
            # A new file each round: the last one may still be busy for a moment.
            path = os.path.join(context.scratch, f"program-{name}-{round_number}")
            with open(path, "wb") as f:
                f.write(changed)
            os.chmod(path, 0o755)
            result = context.run(context.enclave() + [path], timeout=30)
            what = f"{name} round {round_number}: {result.ending()}: {result.err[-300:]!r}"
            assert not result.hang and b"panic" not in result.err, what
            assert result.status != CELLA_FAILED or result.err, what
            try:
                native = context.run([path], timeout=30)
            except OSError:
                continue
            if native.status == 0:
                assert result.status == 0, what


def test_interpreter_missing(context):
    path = os.path.join(context.scratch, "program")
    with open(program(context, "hello"), "rb") as f:
        image = f.read().replace(b"/lib64/ld-linux-x86-64.so.2", b"/lib64/ld-linux-x86-64.so.9")
    with open(path, "wb") as f:
        f.write(image)
    os.chmod(path, 0o755)
    result = context.run(context.enclave() + [path])
    refused(result, result.status, "so.9")
    assert result.status in (NOT_EXECUTABLE, NOT_FOUND), result.ending()


def test_script_interpreter_missing(context):
    path = os.path.join(context.scratch, "script")
    with open(path, "w", encoding="ascii") as f:
        f.write("#!/absent/interpreter\n")
    os.chmod(path, 0o755)
    result = context.run(context.enclave() + [path])
    refused(result, result.status, "/absent/interpreter")
    assert result.status in (NOT_EXECUTABLE, NOT_FOUND), result.ending()


# Memory.

def out_of_memory(result):
    """What does not fit is refused when asked for, or ends the program as Linux's OOM killer does."""
    assert not result.hang, "hang"
    if result.status == 4:
        assert result.out == b"refused: Cannot allocate memory\n", result.out
    else:
        refused(result, -signal.SIGKILL, "memory")


def test_enclave_too_small(context):
    """Too small to start is refused by the signer or the runner."""
    for size in ("4K", "64K", "1M"):
        result, bundle = bundles.sign(context.build, simple_manifest(context, size=size),
                                      context.scratch, "small")
        if result.status == 0:
            result = run_bundle(context, bundle)
            os.unlink(bundle)
        refused(result, result.status)
        assert result.status > 0 and not os.path.exists(bundle), (size, result.ending())
    path = program(context, "memory_static")
    text = bundles.manifest(path, ["memory", "500"], ["file:" + path], mounts=[context.programs],
                            size="64M")
    out_of_memory(run_bundle(context, bundles.signed(context.build, text, context.scratch)))


def test_memory_option(context):
    command = context.enclave(["-m", "64M"])
    out_of_memory(context.run(command + [program(context, "memory"), "500"]))
    result = context.run(command + [program(context, "memory"), "20"])
    assert (result.status, result.out) == (0, b"got 20 MiB\n"), (result.ending(), result.err)


SHARED_TOO_LARGE = """
import mmap, os, signal
def touched(memory):
    child = os.fork()
    if child == 0:
        for at in range(0, len(memory), 4096):
            memory[at] = 1
        os._exit(0)
    return os.WTERMSIG(os.waitpid(child, 0)[1])
memory = mmap.mmap(-1, 300 << 20)
print(touched(memory) in (signal.SIGBUS, signal.SIGKILL))
memory.close()
name = "/dev/shm/too-large"
with open(name, "wb+") as f:
    f.truncate(300 << 20)
    memory = mmap.mmap(f.fileno(), 0)
    print(touched(memory) in (signal.SIGBUS, signal.SIGKILL))
    memory.close()
    try:
        os.posix_fallocate(f.fileno(), 0, 300 << 20)
        print("there was room")
    except OSError as error:
        print(error.strerror)
os.unlink(name)
memory = mmap.mmap(-1, 8 << 20)
print(touched(memory), memory[4096])
"""


def test_shared_too_large(context):
    """Shared memory that does not fit ends who touches it, and nobody else; then there is room again."""
    result = context.run(context.enclave(["-m", "128M"]) + ["/usr/bin/python3", "-c", SHARED_TOO_LARGE])
    assert not result.hang, (result.ending(), result.out, result.err)
    assert (result.status, result.out) == (0, b"True\nTrue\nNo space left on device\n0 1\n"), \
        (result.ending(), result.out, result.err)


# Process 1.

INIT_SIGNALS = """
import os, signal
for number in range(65):
    if number not in (32, 33):
        os.kill(1, number)
print(open("/proc/1/stat").read().split()[2], os.getppid())
child = os.fork()
if child == 0:
    if os.fork():
        os._exit(0)
    while os.getppid() != 1:
        os.sched_yield()
    os.kill(1, signal.SIGKILL)
    os.kill(1, signal.SIGSTOP)
    os._exit(0)
os.waitpid(child, 0)
print("here")
"""


def test_init_signals(context):
    """Process 1 takes no signal from inside, as in a namespace of its own; and the enclave goes on."""
    result = context.run(context.enclave() + ["/usr/bin/python3", "-c", INIT_SIGNALS], timeout=20)
    assert (result.status, result.out, result.err) == (0, b"S 1\nhere\n", b""), \
        (result.ending(), result.out, result.err)


# Disks and keys.

class SmallDisk:
    """A mounted tmpfs of a few KiB; needs root."""

    def __init__(self, context, size="64k"):
        self.path = os.path.join(context.scratch, "disk")
        os.makedirs(self.path, exist_ok=True)
        self.size = size

    def __enter__(self):
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={self.size}", "none",
                               self.path], capture_output=True, check=False)
        if done.returncode:
            from run import Skip
            raise Skip("cannot mount a small tmpfs: " + done.stderr.decode().strip())
        return self.path

    def __exit__(self, *_):
        subprocess.run(["umount", "-l", self.path], check=False)

    def fill(self):
        with open(os.path.join(self.path, "filler"), "wb", buffering=0) as f:
            try:
                while True:
                    f.write(bytes(4096))
            except OSError:
                pass


def test_disk_full_program(context):
    """A program on a full disk sees ENOSPC, as natively."""
    disk = SmallDisk(context)
    with disk as path:
        command = ["/bin/cp", os.path.join(context.fixture, "words.txt"), path + "/copy"]
        native = context.run(command)
        os.unlink(path + "/copy")
        result = context.run(context.launcher(command))
        assert native.status == 1 and b"No space" in native.err
        assert (result.status, result.err) == (native.status, native.err), (result.ending(),
                                                                            result.err)


def test_disk_full_sign(context):
    disk = SmallDisk(context, "32k")
    source = os.path.join(context.scratch, "m.toml")
    with open(source, "w", encoding="utf-8") as f:
        f.write(bundles.manifest("/usr/bin/python3", ["python3"], bundles.python_files()))
    with disk as path:
        disk.fill()
        result = context.run([context.cella, "sign", source, "-k", bundles.key_for(context.build),
                              "-o", path + "/out.cella"], timeout=120)
        refused(result, result.status, "space")
        assert result.status > 0 and os.listdir(path) == ["filler"], os.listdir(path)
        result = context.run([context.cella, "keygen", path + "/key.pem"])
        refused(result, result.status, "space")
        assert result.status > 0 and os.listdir(path) == ["filler"], os.listdir(path)


def test_disk_full_cache(context):
    """The development enclave's signature cannot be cached: the run goes on all the same."""
    disk = SmallDisk(context, "8k")
    with disk as path:
        disk.fill()
        result = context.run(context.launcher([program(context), "you", "3"]),
                             env={"XDG_CACHE_HOME": path})
        left = [name for _, _, names in os.walk(path) for name in names]
        assert result.status == 3 and left == ["filler"], (result.ending(), result.err, left)


def test_output_full(context):
    with open("/dev/full", "wb") as full:
        command = ["/bin/echo", "text"]
        statuses = [subprocess.run(prefix + command, cwd=context.scratch, stdout=full,
                                   stderr=subprocess.PIPE, check=False, timeout=60,
                                   env=harness.base_environment(context.scratch))
                    for prefix in ([], context.launcher.prefix)]
    assert statuses[0].returncode == statuses[1].returncode == 1, statuses
    assert statuses[0].stderr == statuses[1].stderr, statuses


def test_output_closed(context):
    command = f"exec {' '.join(context.launcher.prefix)} /bin/echo text >&-"
    result = context.run(["/bin/sh", "-c", command])
    native = context.run(["/bin/sh", "-c", "exec /bin/echo text >&-"])
    assert (result.status, result.err) == (native.status, native.err), (result.ending(), result.err)


def test_key_unwritable(context):
    occupied = os.path.join(context.scratch, "file")
    with open(occupied, "w", encoding="ascii") as f:
        f.write("precious\n")
    for path in ("/proc/absent/key.pem", occupied + "/key.pem", "/sys/key.pem"):
        result = context.run([context.cella, "keygen", path])
        refused(result, result.status, path)
        assert result.status > 0
    result = context.run([context.cella, "keygen", occupied])
    refused(result, result.status, occupied)
    with open(occupied, encoding="ascii") as f:
        assert f.read() == "precious\n", "overwrote a file without being told to"
    assert os.listdir(context.scratch) == ["file"], os.listdir(context.scratch)


def test_key_bad(context):
    """Keys that are absent, no keys, of the wrong size or exponent."""
    source = os.path.join(context.scratch, "m.toml")
    with open(source, "w", encoding="utf-8") as f:
        f.write(simple_manifest(context))
    keys = {"absent.pem": None, "garbage.pem": "-----BEGIN PRIVATE KEY-----\nnonsense\n"}
    for name, text in keys.items():
        if text:
            with open(os.path.join(context.scratch, name), "w", encoding="ascii") as f:
                f.write(text)
    for name, arguments in (("small.pem", ["2048"]), ("exponent.pem", ["3072"])):
        subprocess.run(["openssl", "genrsa", "-out", name, *arguments], check=True, timeout=60,
                       cwd=context.scratch, capture_output=True)
    for name in ("absent.pem", "garbage.pem", "small.pem", "exponent.pem"):
        path = os.path.join(context.scratch, name)
        result = context.run([context.cella, "sign", source, "-k", path, "-o", "out.cella"])
        refused(result, result.status, name)
        assert result.status > 0 and not os.path.exists(os.path.join(context.scratch, "out.cella"))


# Signals from outside.

def interrupted(context, how, number, expected, delay=0.0):
    """Starts `die HOW`, sends a signal once it has printed its line, and expects an ending."""
    marker = os.path.join(context.scratch, "out")

    def during(process):
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and process.poll() is None:
            if os.path.getsize(marker):
                break
            time.sleep(0.01)
        time.sleep(delay)
        process.send_signal(number)

    with open(marker, "wb"):
        pass
    command = (f"exec {' '.join(context.launcher.prefix)} {program(context, 'die')} {how} "
               f">{marker}")
    result = context.run(["/bin/sh", "-c", command], during=during, timeout=20)
    assert not result.hang, f"{how}: hang after signal {number}"
    assert result.status == expected, f"{how}: {result.ending()}, not {expected}: {result.err!r}"
    assert not result.leftover, f"{how}: left a process behind"
    assert not [n for n in os.listdir(context.scratch) if n.startswith("core")], "a core file"


def test_sigterm(context):
    interrupted(context, "wait", signal.SIGTERM, -signal.SIGTERM)
    interrupted(context, "spin", signal.SIGTERM, -signal.SIGTERM)


def test_sigint(context):
    interrupted(context, "wait", signal.SIGINT, -signal.SIGINT)
    interrupted(context, "spin", signal.SIGINT, -signal.SIGINT)


def test_sigkill(context):
    interrupted(context, "wait", signal.SIGKILL, -signal.SIGKILL)
    interrupted(context, "spin", signal.SIGKILL, -signal.SIGKILL)


def test_sighup_sigquit(context):
    interrupted(context, "wait", signal.SIGHUP, -signal.SIGHUP)
    interrupted(context, "wait", signal.SIGQUIT, -signal.SIGQUIT)


def test_sigterm_handled(context):
    """The program's own handler gets it."""
    interrupted(context, "term-handler", signal.SIGTERM, signal.SIGTERM, delay=0.1)


def test_sigterm_early(context):
    """A signal at any moment of the start ends it as well."""
    for delay in (0, 0.002, 0.005, 0.01, 0.02):
        def during(process, delay=delay):
            time.sleep(delay)
            process.send_signal(signal.SIGTERM)

        result = context.run(context.launcher([program(context, "die"), "wait"]), during=during,
                             timeout=20)
        assert not result.hang and result.status == -signal.SIGTERM, \
            f"after {delay} s: {result.ending()}: {result.err!r}"


def answer_dots(context, how, first):
    """2,000 signals to `die HOW`, each sent as soon as a dot asks for it."""
    process = subprocess.Popen(context.launcher([program(context, "die"), how]), bufsize=0,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               stdin=subprocess.DEVNULL, cwd=context.scratch,
                               env=harness.base_environment(context.scratch),
                               start_new_session=True)
    try:
        process.stdout.readline()
        time.sleep(0.2)
        for count in range(2000):
            if count or not first:
                assert select.select([process.stdout], [], [], 3)[0], f"signal {count} was lost"
                got = process.stdout.read(1)
                assert got == b".", f"after {count} signals: {got!r}, {process.poll()}"
            process.send_signal(signal.SIGUSR1)
        assert process.wait(10) == 0, process.returncode
    except subprocess.TimeoutExpired:
        return "the last signal was lost"
    finally:
        harness.kill_session(process.pid)
        process.communicate()
    return None


def test_signals_answered(context):
    """The next signal comes while the handler of the one before returns."""
    return answer_dots(context, "dots", True)


def test_signals_end_waits(context):
    """The signal comes while the program goes to wait for it; the wait must end."""
    return answer_dots(context, "waits", False)


TESTS = [(name[5:].replace("_", "-"), function) for name, function in list(globals().items())
         if name.startswith("test_")]

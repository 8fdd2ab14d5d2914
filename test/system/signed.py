# SPDX-License-Identifier: Apache-2.0
"""Signed bundles: `cella sign MANIFEST`, then `cella run BUNDLE`, compared with native."""

import hashlib
import os
import shutil
import subprocess

import bundles

PYTHON_ALL = """
import asyncio, decimal, hashlib, json, re, sqlite3, ssl, sys, threading
print(json.dumps({"argv": sys.argv, "digits": str(decimal.Decimal(1) / 7)}))
db = sqlite3.connect(":memory:")
print(db.execute("select sqlite_version() > '3'").fetchone(), hashlib.sha256(b"x").hexdigest())
results = []
threads = [threading.Thread(target=lambda: results.append(1)) for _ in range(10)]
[t.start() for t in threads]; [t.join() for t in threads]
print(len(results), re.sub("a", "b", "banana"), ssl.OPENSSL_VERSION[:7])
async def main(): await asyncio.sleep(0.01); return "slept"
print(asyncio.run(main()))
sys.exit(5)
"""


def program(context, name="hello"):
    return os.path.join(context.programs, name)


def hello_manifest(context, name="hello", **rest):
    rest.setdefault("argv", ["hello", "from the manifest"])
    trusted = bundles.C_RUNTIME + ["file:" + program(context, name)] + rest.pop("more", [])
    mounts = [context.programs] + rest.pop("mounts", [])
    return bundles.manifest(program(context, name), trusted=trusted, mounts=mounts, **rest)


def run_bundle(context, bundle, options=(), arguments=(), **rest):
    return context.run(context.enclave(options) + [bundle, *arguments], **rest)


def expect(result, status, out):
    assert not result.hang, "hang"
    assert result.status == status, f"{result.ending()}: {result.err.decode()[-1000:]}"
    assert result.out == out, f"printed {result.out!r}, not {out!r}"


def test_hello(context):
    bundle = bundles.signed(context.build, hello_manifest(context), context.scratch)
    result = run_bundle(context, bundle)
    expect(result, 0, b"hello from the manifest, 1 arguments, sqrt-free 17\n")
    assert result.err == b"", result.err


def test_static(context):
    text = hello_manifest(context, "hello_static", argv=["hello", "static", "9"])
    bundle = bundles.signed(context.build, text, context.scratch)
    expect(run_bundle(context, bundle), 9, b"hello static, 2 arguments, sqrt-free 6\n")


def test_python(context):
    """Debian's python3 with every file that it opens verified."""
    command = ["python3", "-c", PYTHON_ALL, "argument"]
    text = bundles.manifest("/usr/bin/python3", command, bundles.python_files(),
                            env={"LC_ALL": "C.UTF-8"})
    bundle = bundles.signed(context.build, text, context.scratch)
    native = context.run(["/usr/bin/python3", *command[1:]])
    expect(run_bundle(context, bundle), 5, native.out)


def test_host_argv(context):
    text = hello_manifest(context, argv=None)
    bundle = bundles.signed(context.build, text, context.scratch)
    expect(run_bundle(context, bundle, arguments=["you", "6"]), 6,
           b"hello you, 2 arguments, sqrt-free 3\n")


def test_environment_is_measured(context):
    text = bundles.manifest("/usr/bin/env", ["env"], bundles.C_RUNTIME + ["file:/usr/bin/env"],
                            env={"FIXED": "by the manifest"},
                            extra=["loader.env.OPEN = { passthrough = true }"])
    bundle = bundles.signed(context.build, text, context.scratch)
    result = run_bundle(context, bundle, env={"OPEN": "host", "SECRET": "host", "FIXED": "host"})
    assert result.status == 0, result.err
    lines = result.out.decode().splitlines()
    assert "FIXED=by the manifest" in lines and "OPEN=host" in lines, lines
    assert not [line for line in lines if line.startswith("SECRET")], lines


def test_arguments_are_measured(context):
    bundle = bundles.signed(context.build, hello_manifest(context), context.scratch)
    result = run_bundle(context, bundle, arguments=["other"])
    assert b"other" not in result.out, result.out


def test_untrusted_file_refused(context):
    secret = os.path.join(context.scratch, "plain")
    with open(secret, "w", encoding="ascii") as f:
        f.write("not in the manifest\n")
    text = bundles.manifest("/bin/cat", ["cat", secret],
                            bundles.C_RUNTIME + ["file:/bin/cat"], mounts=["/bin", context.scratch])
    bundle = bundles.signed(context.build, text, context.scratch)
    result = run_bundle(context, bundle)
    assert result.status == 1 and result.out == b"", (result.ending(), result.out)


def test_allowed_files(context):
    """Allowed files are read and written unverified; the working directory is the manifest's."""
    data = os.path.join(context.scratch, "data")
    os.mkdir(data)
    with open(os.path.join(data, "in"), "w", encoding="ascii") as f:
        f.write("line\n" * 1000)
    text = bundles.manifest("/bin/cp", ["cp", f"{data}/in", f"{data}/out"],
                            bundles.C_RUNTIME + ["file:/bin/cp"]
                            + bundles.libraries("libselinux", "libacl", "libattr", "libpcre2-8"),
                            [f"file:{data}/"], mounts=["/bin", data])
    bundle = bundles.signed(context.build, text, context.scratch)
    result = run_bundle(context, bundle)
    assert result.status == 0, result.err
    with open(os.path.join(data, "out"), "rb") as f:
        assert f.read() == b"line\n" * 1000


def test_trusted_directory(context):
    """A directory of 1,000 trusted files lists and reads as natively."""
    thousand = os.path.join(context.fixture, "thousand")
    command = ["busybox", "md5sum"]
    with os.scandir(os.path.join(thousand, "dir05")) as entries:
        command += sorted(entry.path for entry in entries if entry.is_file())
    command += [os.path.join(thousand, "link-to-file")]
    text = bundles.manifest("/bin/busybox", command, ["file:/bin/busybox", f"file:{thousand}/"],
                            mounts=["/bin", context.fixture])
    bundle = bundles.signed(context.build, text, context.scratch)
    native = context.run(["/bin/busybox", *command[1:]])
    expect(run_bundle(context, bundle), 0, native.out)
    command = ["busybox", "find", thousand]
    text = bundles.manifest("/bin/busybox", command, ["file:/bin/busybox", f"file:{thousand}/"],
                            mounts=["/bin", context.fixture])
    bundle = bundles.signed(context.build, text, context.scratch)
    native = context.run(["/bin/busybox", *command[1:]])
    result = run_bundle(context, bundle)
    assert result.status == 0, result.err
    got, want = set(result.out.splitlines()), set(native.out.splitlines())
    assert got == want, f"not listed {list(want - got)[:3]}, too many {list(got - want)[:3]}"


def test_trusted_is_read_only(context):
    target = os.path.join(context.scratch, "target")
    with open(target, "w", encoding="ascii") as f:
        f.write("original\n")
    text = bundles.manifest("/bin/busybox", ["busybox", "dd", "if=/dev/zero", "of=" + target,
                                             "count=1"],
                            ["file:/bin/busybox", "file:" + target],
                            mounts=["/bin", context.scratch])
    bundle = bundles.signed(context.build, text, context.scratch)
    result = run_bundle(context, bundle)
    assert result.status == 1, result.ending()
    with open(target, encoding="ascii") as f:
        assert f.read() == "original\n"


def test_hash_in_manifest(context):
    """A trusted file may come with the hash that it must have."""
    path = program(context, "hello_static")
    with open(path, "rb") as f:
        digest = hashlib.file_digest(f, "sha256").hexdigest()
    for value, good in ((digest, True), ("0" * 64, False)):
        text = (f'libos.entrypoint = "{path}"\nloader.argv = ["hello", "hash"]\n'
                f'fs.mounts = [{{ path = "{context.programs}", uri = "file:{context.programs}" }}]\n'
                f'sgx.trusted_files = [{{ uri = "file:{path}", sha256 = "{value}" }}]\n')
        result, bundle = bundles.sign(context.build, text, context.scratch, f"hash-{good}")
        if good:
            assert result.status == 0, result.err
            expect(run_bundle(context, bundle), 0, b"hello hash, 1 arguments, sqrt-free 4\n")
        else:
            assert result.status != 0 and not os.path.exists(bundle), result.ending()


def test_reproducible(context):
    text = hello_manifest(context)
    first = bundles.signed(context.build, text, context.scratch, "a")
    shutil.copy(os.path.join(context.scratch, "a.toml"), os.path.join(context.scratch, "b.toml"))
    second = bundles.signed(context.build, text, context.scratch, "b")
    with open(first, "rb") as f, open(second, "rb") as g:
        assert f.read() == g.read(), "the same input gave different bytes"


def test_image_tells_no_folder(context):
    """The kernel image, whose digest is in each bundle, is the same wherever it was built."""
    with open(os.path.join(context.build, "cella-kernel"), "rb") as f:
        image = f.read()
    for folder in (context.build, os.path.dirname(os.path.dirname(context.dir))):
        assert os.fsencode(folder) not in image, f"{folder} is named in the image"


def test_tmpfs(context):
    text = bundles.manifest("/bin/busybox", ["busybox", "sh", "-c", "echo in memory > /tmp/x/f; "
                                             "while read -r l; do echo got $l; done < /tmp/x/f"],
                            ["file:/bin/busybox"], mounts=["/bin"])
    text = text.replace("fs.mounts = [", 'fs.mounts = [\n  { type = "tmpfs", path = "/tmp/x" },')
    bundle = bundles.signed(context.build, text, context.scratch)
    expect(run_bundle(context, bundle), 0, b"got in memory\n")
    assert not os.path.exists("/tmp/x/f")


def test_moved_bundle_root(context):
    """No fs.root: the root is the manifest's directory, as in Gramine."""
    shutil.copy(program(context, "hello_static"), os.path.join(context.scratch, "prog"))
    text = ('libos.entrypoint = "/prog"\nloader.argv = ["prog", "root"]\n'
            'sgx.trusted_files = ["file:prog"]\nfs.mounts = []\n')
    bundle = bundles.signed(context.build, text, context.scratch)
    expect(run_bundle(context, bundle, cwd="/"), 0, b"hello root, 1 arguments, sqrt-free 4\n")


def test_debug_flag(context):
    text = hello_manifest(context, extra=["sgx.debug = true"])
    bundle = bundles.signed(context.build, text, context.scratch)
    expect(run_bundle(context, bundle), 0, b"hello from the manifest, 1 arguments, sqrt-free 17\n")


def test_bundles_differ(context):
    """Whatever the configuration says is in MRENCLAVE."""
    seen = set()
    for number, extra in enumerate(([], ['loader.env.A = "1"'], ['loader.env.A = "2"'])):
        bundle = bundles.signed(context.build, hello_manifest(context, extra=extra),
                                context.scratch, f"n{number}")
        shown = subprocess.run([context.cella, "inspect", "--json", bundle], check=True,
                               capture_output=True, text=True).stdout
        seen.add(find_mrenclave(shown))
    assert len(seen) == 3, seen


def find_mrenclave(text):
    for line in text.replace(",", "\n").splitlines():
        if "mrenclave" in line.lower():
            return line.strip()
    raise ValueError("no MRENCLAVE in: " + text[:500])


TESTS = [(name[5:].replace("_", "-"), function) for name, function in list(globals().items())
         if name.startswith("test_")]

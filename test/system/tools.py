# SPDX-License-Identifier: Apache-2.0
"""The command itself: words on standard error, --trace, --stats, status codes, doctor, inspect."""

import json
import os
import re
import time

import bundles
import harness

HELLO = ["hello", "you"]


def program(context, name="hello"):
    return os.path.join(context.programs, name)


def test_banner(context):
    """Without -q one line says that nothing is verified; the program's output is untouched."""
    command = [context.cella, "run", f"--io={context.mode}", program(context), "you"]
    result = context.run(command)
    text = result.err.decode()
    assert result.status == 0, text
    assert result.out == b"hello you, 1 arguments, sqrt-free 3\n", result.out
    assert "not verified" in text, f"no word that files are not verified: {text!r}"
    assert "software SGX" in text, f"no word about software SGX: {text!r}"
    assert len(text.splitlines()) <= 2, text
    quiet = context.run([context.cella, "run", "-q", f"--io={context.mode}", program(context)])
    assert quiet.err == b"", quiet.err


def test_satellites(context):
    """As many as asked for, and no process for a program that needs none."""
    for number in ("65", "-1", "", "x"):
        result = context.run(context.enclave([f"--satellites={number}"]) + [program(context)])
        assert result.status == 125, f"{number}: {result.ending()}"
        assert b"not a number from 0 to 64" in result.err, result.err
    children = []

    def look(process):
        while not os.path.exists(os.path.join(context.scratch, "ready")) and process.poll() is None:
            time.sleep(0.01)
        children.append(len(harness.family(process.pid, True)))

    result = context.run(context.enclave(["--satellites=2"]) + ["/bin/sh", "-c", ": >ready; sleep 0.3"],
                         during=look)
    assert result.status == 0 and children == [1], f"{result.ending()} {children} {result.err}"
    alone = context.run([context.cella, "satellite"])
    assert alone.status == 125 and not alone.out + alone.err, f"{alone.ending()} {alone.err}"


def test_trace(context):
    result = context.run(context.enclave(["--trace"]) + ["/bin/cat", "absent"])
    text = result.err.decode()
    assert result.status == 1
    assert re.search(r"openat\(.*\"absent\".*ENOENT", text), text[-1500:]
    assert re.search(r"exit_group\(1\)", text), text[-500:]
    only = context.run(context.enclave(["--trace=openat"]) + ["/bin/cat", "absent"]).err.decode()
    assert "openat(" in only and "mmap(" not in only, only[-1500:]


def test_trace_file(context):
    """Traced calls go to the file, and nothing else does."""
    path = os.path.join(context.scratch, "trace")
    result = context.run(context.enclave([f"--trace-file={path}"]) + ["/bin/cat", "absent"])
    assert result.err == b"/bin/cat: absent: No such file or directory\n", result.err[:500]
    with open(path, encoding="utf-8") as f:
        lines = f.read().splitlines()
    assert any("openat(" in line and "ENOENT" in line for line in lines), lines[-5:]
    assert all(re.match(r"\[\d+\] \w+\(.*\) = ", line) for line in lines), lines
    lost = context.run(context.enclave(["--trace-file=/absent/trace"]) + ["/bin/true"])
    assert lost.status == 125 and lost.err.count(b"\n") == 1 and b"/absent/trace" in lost.err, lost.err


def test_stats(context):
    result = context.run(context.enclave(["--stats"]) + [program(context)])
    text = result.err.decode().lower()
    assert result.status == 0
    for word in ("exits", "aex", "patched", "memory", "processes"):
        assert word in text, f"no '{word}' in {text}"


def test_not_found(context):
    result = context.run(context.enclave() + ["/absent/program"])
    lines = result.err.decode().splitlines()
    assert result.status == 127, result.ending()
    assert len(lines) == 1 and "/absent/program" in lines[0], lines


def test_not_executable(context):
    path = os.path.join(context.scratch, "text")
    with open(path, "w", encoding="ascii") as f:
        f.write("just text\n")
    result = context.run(context.enclave() + [path])
    assert result.status == 126, result.ending()
    assert len(result.err.decode().splitlines()) == 1, result.err
    result = context.run(context.enclave() + [context.scratch])
    assert result.status == 126, result.ending()


def test_search_path(context):
    result = context.run(context.enclave() + ["echo", "found"])
    assert (result.status, result.out) == (0, b"found\n"), (result.ending(), result.err)


def test_environment(context):
    result = context.run(context.enclave(["-e", "NEW=value", "--env=TZ=Mars"]) + ["/usr/bin/env"])
    lines = result.out.decode().splitlines()
    assert "NEW=value" in lines and "TZ=Mars" in lines and "TZ=UTC" not in lines, lines


def test_cwd(context):
    result = context.run(context.enclave(["-C", "/usr"]) + ["/bin/pwd", "-P"])
    assert result.out == b"/usr\n", (result.out, result.err)


def test_usage(context):
    for arguments in (["run"], ["run", "--io=wrong", "/bin/true"], ["run", "--no-such"], ["nonsense"]):
        result = context.run([context.cella, *arguments])
        assert result.status not in (0, None) and not result.hang, arguments
        assert result.err and not result.out, (arguments, result.out, result.err)
    result = context.run([context.cella, "--help"])
    assert result.status == 0 and b"run" in result.out and b"sign" in result.out


def test_doctor(context):
    result = context.run([context.cella, "doctor"])
    text = result.out.decode()
    for word in ("SGX", "io_uring", "FSGSBASE"):
        assert word.lower() in text.lower(), f"no {word}: {text}"
    json.loads(context.run([context.cella, "doctor", "--json"]).out)


def test_inspect(context):
    text = bundles.manifest(program(context), ["hello"], bundles.C_RUNTIME
                            + ["file:" + program(context)],
                            mounts=[context.programs],
                            extra=["sgx.isvprodid = 42", "sgx.isvsvn = 7"])
    bundle = bundles.signed(context.build, text, context.scratch)
    shown = context.run([context.cella, "inspect", bundle])
    assert shown.status == 0, shown.err
    assert re.search(rb"[0-9a-f]{64}", shown.out), shown.out
    value = json.dumps(json.loads(context.run([context.cella, "inspect", "--json", bundle]).out))
    assert "42" in value and program(context) in value, value[:2000]


TESTS = [(name[5:].replace("_", "-"), function) for name, function in list(globals().items())
         if name.startswith("test_")]

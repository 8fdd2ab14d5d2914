# SPDX-License-Identifier: Apache-2.0
"""Manifests and bundles for tests and benchmarks: writes the TOML, calls `cella sign`."""

import glob
import json
import os

import harness

LIBRARIES = "/lib/x86_64-linux-gnu/"
C_RUNTIME = ["file:/lib64/ld-linux-x86-64.so.2", f"file:{LIBRARIES}libc.so.6",
             "file:/etc/ld.so.cache"]
MOUNTS = ["/lib", "/lib64", "/usr", "/etc"]


def libraries(*names):
    """URIs of shared libraries by the start of their names."""
    found = []
    for name in names:
        paths = sorted(glob.glob(f"{LIBRARIES}{name}.so*"))
        found += ["file:" + path for path in paths]
    return found


def python_files():
    """All that python3 and its standard modules may open."""
    return (["file:/usr/bin/python3.11", "file:/usr/bin/python3", "file:/usr/lib/python3.11/"]
            + C_RUNTIME
            + libraries("libm", "libz", "libexpat", "libssl", "libcrypto", "libsqlite3", "libffi",
                        "libbz2", "liblzma", "libuuid", "libdl", "libpthread", "libutil",
                        "libgcc_s", "libtinfo", "libncursesw", "libpanelw", "librt", "libdb-5.3",
                        "libreadline", "libnsl", "libtirpc", "libcrypt", "libmpdec"))


def quote(text):
    """A TOML basic string; JSON's rules are a subset of TOML's here."""
    return json.dumps(text, ensure_ascii=False)


def manifest(entrypoint, argv=None, trusted=(), allowed=(), env=None, mounts=(), size="1G",
             threads=4, extra=()):
    """The text of a manifest. `mounts` are paths or (path, host path) beside the usual ones."""
    lines = [f"libos.entrypoint = {quote(entrypoint)}"]
    if argv is None:
        lines.append("loader.insecure__use_cmdline_argv = true")
    else:
        lines.append(f"loader.argv = [{', '.join(quote(word) for word in argv)}]")
    for key, value in (env or {}).items():
        lines.append(f"loader.env.{key} = {quote(value)}")
    lines.append("fs.mounts = [")
    for mount in list(MOUNTS) + list(mounts):
        path, source = mount if isinstance(mount, tuple) else (mount, mount)
        lines.append(f"  {{ path = {quote(path)}, uri = {quote('file:' + source)} }},")
    lines += ["]", f"sgx.enclave_size = {quote(size)}", f"sgx.max_threads = {threads}"]
    for key, values in (("trusted_files", trusted), ("allowed_files", allowed)):
        lines.append(f"sgx.{key} = [{', '.join(quote(value) for value in values)}]")
    return "\n".join(lines + list(extra)) + "\n"


def key_for(build):
    """A signing key for tests, made once per build tree."""
    key = os.path.join(build, "test-home", "key.pem")
    if not os.path.exists(key):
        os.makedirs(os.path.dirname(key), exist_ok=True)
        temporary = f"{key}.{os.getpid()}"
        result = harness.run([f"{build}/cella", "keygen", temporary], build)
        if result.status != 0:
            raise ValueError("cella keygen: " + result.err.decode("utf-8", "replace"))
        os.rename(temporary, key)
    return key


def sign(build, text, folder, name="test", options=()):
    """Writes NAME.toml into a folder and signs it to NAME.cella. Returns (result, path)."""
    source = os.path.join(folder, name + ".toml")
    bundle = os.path.join(folder, name + ".cella")
    with open(source, "w", encoding="utf-8") as f:
        f.write(text)
    result = harness.run([f"{build}/cella", "sign", source, "-k", key_for(build), "-o", bundle,
                          *options], folder, timeout=120)
    return result, bundle


def signed(build, text, folder, name="test"):
    """The path of a freshly signed bundle; ValueError with the signer's words if it refuses."""
    result, bundle = sign(build, text, folder, name)
    if result.hang or result.status != 0:
        raise ValueError(f"cella sign: {result.ending()}: "
                         + result.err.decode("utf-8", "replace").strip()[-1500:])
    return bundle

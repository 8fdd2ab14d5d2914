#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Builds the Linux kernel's SGX selftests (tools/testing/selftests/sgx) from unmodified sources and
# runs them on libsoftsgx.so.
#
#   selftest.sh BUILD [TEST...]
#
# BUILD is the project's build directory.  The sources come from Debian's linux-source package;
# CPUID leaf 0x12, which this CPU cannot answer, from a header that is included before everything
# else.  Prints TAP; fails if a test fails.
set -eu

lib=$(realpath "$1/softsgx/libsoftsgx.so")
mkdir -p "$1/softsgx-selftest"
build=$(realpath "$1/softsgx-selftest")
shift
here=$(dirname "$(realpath "$0")")

archive=$(find /usr/src -maxdepth 1 -name 'linux-source-*.tar.xz' 2>/dev/null | sort -V | tail -n 1)
tree=$build/linux
tests=$tree/tools/testing/selftests

if [ ! -e "$build/unpacked" ]; then
    if [ -z "$archive" ]; then
        echo "ok 1 - # SKIP linux-source is not installed (apt-get install linux-source-6.1)"
        exit 0
    fi
    mkdir -p "$tree"
    tar -xf "$archive" -C "$tree" --strip-components=1 \
        "$(basename "$archive" .tar.xz)/arch/x86/include/asm/enclu.h" \
        "$(basename "$archive" .tar.xz)/arch/x86/include/asm/sgx.h" \
        "$(basename "$archive" .tar.xz)/arch/x86/include/uapi/asm/sgx.h" \
        "$(basename "$archive" .tar.xz)/tools/include" \
        "$(basename "$archive" .tar.xz)/tools/testing/selftests/kselftest.h" \
        "$(basename "$archive" .tar.xz)/tools/testing/selftests/kselftest_harness.h" \
        "$(basename "$archive" .tar.xz)/tools/testing/selftests/sgx"
    touch "$build/unpacked"
fi

cc=${CC:-cc}
host="-Wall -g -I$tree/tools/include -fPIC -z noexecstack"
encl="-Wall -static -nostdlib -nostartfiles -fPIC -fno-stack-protector -mrdrnd"
encl="$encl -I$tree/tools/include"
if [ ! -x "$build/test_sgx" ] || [ "$0" -nt "$build/test_sgx" ]; then
    cd "$tests/sgx"
    # shellcheck disable=SC2086
    $cc $host -include "$here/cpuid_sgx.h" -c main.c -o "$build/main.o"
    # shellcheck disable=SC2086
    $cc $host -o "$build/test_sgx" "$build/main.o" load.c sigstruct.c call.S sign_key.S -lcrypto
    # shellcheck disable=SC2086
    $cc $encl -T test_encl.lds test_encl.c test_encl_bootstrap.S -o "$build/test_encl.elf" \
        -Wl,--build-id=none
fi

cd "$build"
SOFTSGX_ROOT_KEY=$build/root.key SOFTSGX_QUIET=1 LD_PRELOAD=$lib ./test_sgx "$@"

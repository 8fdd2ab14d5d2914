#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The tests of busybox's shell, in the current directory: six folders at a time, then the verdicts, and for what
# does not pass the difference.
unset LC_ALL
# Their writers, and a trap and the end of a child, come in an order that is another one now and then.
rm -f ash-psubst/bash_procsub.tests ash-misc/exitcode_trap2.tests ash-misc/exitcode_trap6.tests
for folder in ash-*; do
    echo "$folder"
done | xargs -P 6 -I '{}' sh -c 'sh ./run-all {} >said.{} 2>&1 </dev/null; echo "status $?" >>said.{}'
cat said.*
passed=$(cat said.* | grep -c ' ok$')
for difference in *.fail; do
    echo "== $difference"
    sed '/^--- /s/\t.*//; /^+++ /s/\t.*//' "$difference"
done
rm -rf -- * .config
[ "$passed" -gt 300 ]

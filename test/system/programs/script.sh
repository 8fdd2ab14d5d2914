#!/bin/busybox sh
# SPDX-License-Identifier: Apache-2.0
# Builtins only: no child process is needed.
i=0
while [ $i -lt 1000 ]; do
    i=$((i + 1))
done
echo "counted to $i, called as ${0##*/} with $# arguments: $*"
read -r line
echo "read: $line"
cd / && pwd
case $line in
h*) exit 7 ;;
esac

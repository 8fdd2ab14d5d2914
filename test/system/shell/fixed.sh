#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Programs that are linked for fixed addresses begin and end on several CPUs: each gets them, and its own memory.
for shell in 1 2 3 4; do
    /bin/dash -c 'for i in $(seq 80); do
        /bin/busybox true || echo "true: $?"
        said=$(/bin/busybox echo "$i" | /bin/busybox cat)
        [ "$said" = "$i" ] || echo "cat: $said for $i"
    done' &
done
wait
echo done

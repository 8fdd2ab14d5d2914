#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What every shell does with processes: pipelines, subshells, traps, here-documents, background jobs.

echo "== pipeline of ten"
i=0
while [ $i -lt 200 ]; do
    echo "line $i"
    i=$((i + 1))
done | cat | sed 's/line/row/' | tr 'a-z' 'A-Z' | grep -v 7 | sort -r | head -n 60 | tail -n 40 | cut -d' ' -f2 |
    wc -l
false | true | false
echo "status $?"
yes | head -n 3

echo "== subshells"
x=outer
(x=inner; echo "$x"; (x=deeper; exit 7); echo "inner status $?"; cd /; pwd >/dev/null)
echo "$x $?"
(exit 3) || echo "subshell status $?"
sh -c 'kill -TERM $$'
echo "killed $?"

echo "== command substitution"
total=0
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    total=$((total + $(echo $i | tr -d '\n' | wc -c)))
done
echo "total $total nested $(echo $(echo $(echo deep)))"
lines=$(seq 5000)
echo "${#lines}"

echo "== here-documents"
cat <<END
x is $x and $(echo two)
END
cat <<'END' | tr a-z A-Z
not $x
END
{ cat; cat <&3; } <<A 3<<B
to stdin
A
to three
B
i=0
while read -r line; do i=$((i + ${#line})); done <<END
$(seq 20000)
END
echo "$i"

echo "== background jobs"
for i in 1 2 3 4 5 6 7 8; do
    (echo "job $i" >"job.$i"; exit $i) &
    eval "pid$i=$!"
done
for i in 8 7 6 5 4 3 2 1; do
    eval "wait \$pid$i"
    echo "job $i gave $?: $(cat job.$i)"
done
rm job.*
sleep 60 &
kill $!
wait $!
echo "sleeper $?"
wait
echo "nothing left $?"

echo "== traps"
trap 'echo got usr1' USR1
kill -USR1 $$
(trap 'echo subshell ends' EXIT; exit 4)
echo "$?"
(trap 'echo term; exit 5' TERM; sh -c 'kill -TERM $PPID'; sleep 5)
echo "$?"
trap '' USR2
sh -c 'kill -USR2 $$; echo ignored is inherited'
trap - USR2
sh -c 'kill -USR2 $$; echo never'
echo "$?"
trap 'echo the end' EXIT

echo "== redirections"
exec 4>out.txt
echo one >&4
(echo two >&4)
exec 4>&-
echo three >>out.txt
{ echo out; echo err >&2; } 2>&1 >/dev/null | sed 's/^/got /'
cat <out.txt
mkfifo fifo
(echo through the fifo >fifo) &
cat fifo
wait
rm fifo

echo "== helpers"
seq 20 | xargs -n 3 -P 4 sh -c 'echo $#' | sort | uniq -c
mkdir -p tree/a tree/b
touch tree/a/1 tree/a/2 tree/b/3
find tree -type f -exec sh -c 'echo "found $1"' x {} \; | sort
find tree -type f -exec echo {} + | tr ' ' '\n' | sort
set -- $(ls tree)
echo "$# $*"

#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What bash alone does: process substitution, coproc, wait -n, PIPESTATUS, job control in a script.

echo "== process substitution"
diff <(seq 10) <(seq 10 | sed 's/^5$/five/')
paste <(seq 3) <(seq 4 6) <(seq 7 9)
seq 100 | tee >(wc -l >lines) >(tail -n 1 >last) >/dev/null
while [ ! -s lines ] || [ ! -s last ]; do sleep 0.01; done
cat lines last
while read -r a b; do echo "$b-$a"; done < <(paste <(seq 3) <(echo a; echo b; echo c))

echo "== coproc"
coproc CALC { while read -r a b; do echo $((a * b)); done; }
for i in 1 2 3 4 5; do
    echo "$i $((i + 1))" >&"${CALC[1]}"
    read -r product <&"${CALC[0]}"
    echo "$i: $product"
done
pid=$CALC_PID
eval "exec ${CALC[1]}>&-"
wait "$pid"
echo "coproc $?"

echo "== wait -n"
for i in 3 4 5; do (exit $i) & done
sum=0
for _ in 1 2 3; do wait -n; sum=$((sum + $?)); done
echo "$sum"
wait -n
echo "none $?"
(exit 9) & wait -n -p which $!
echo "$? $([ "$which" = $! ] && echo the one)"

echo "== pipestatus"
(exit 1) | (exit 2) | (exit 3) | true
echo "${PIPESTATUS[@]}"
set -o pipefail
true | (exit 6) | true
echo "$?"
set +o pipefail
shopt -s lastpipe
echo last | read -r here
echo "$here"
shopt -u lastpipe

echo "== job control"
set -m
sleep 60 &
first=$!
[ "$(cut -d' ' -f5 /proc/$first/stat)" = "$first" ] && echo "own group"
kill -STOP %1
while [ "$(jobs -s | wc -l)" = 0 ]; do sleep 0.01; done
jobs | sed 's/  */ /g'
bg %1 >/dev/null
jobs -r | wc -l
kill %1
wait $first
echo "$?"
(sleep 60 | cat | cat) &
sleep 0.1
kill -TERM -- -$!
wait $!
echo "$?"
sh -c 'kill -STOP $$; exit 12' &
while [ "$(jobs -s | wc -l)" = 0 ]; do sleep 0.01; done
fg >/dev/null
echo "fg $?"
set +m

echo "== signals to children"
trap 'echo "child said so"' USR1
(kill -USR1 $$)
wait
trap 'count=$((count + 1))' CHLD
for i in 1 2 3; do /bin/true; done
trap - CHLD
echo "chld $((count > 0))"
(trap 'echo int; exit 1' INT; kill -INT "$BASHPID"; echo never)
echo "$?"
timeout 0.2 sleep 60
echo "timeout $?"
bash -c 'ulimit -c 0; kill -SEGV $$'
echo "$?"

echo "== many"
for i in {1..100}; do /bin/true || echo failed; done
n=0
for i in {1..50}; do n=$((n + $(echo "$i"))); done
echo "$n"
for i in {1..30}; do (exit "$i") & pids+=($!); done
for p in "${pids[@]}"; do wait "$p"; printf '%s ' $?; done
echo
depth() { if [ "$1" -gt 0 ]; then (depth $(($1 - 1))); else echo bottom; fi; }
depth 20
mapfile -t words < <(printf '%s\n' a b c)
echo "${#words[@]} ${BASH_SUBSHELL} $(echo $BASH_SUBSHELL)"
exec 3< <(seq 3)
read -r a <&3; read -r b <&3
echo "$a$b"
exec /bin/sh -c 'echo replaced; exit 21'

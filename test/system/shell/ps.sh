# SPDX-License-Identifier: Apache-2.0
# A few processes in the background, as Debian's ps, pgrep, pstree, lsof and others show them. Process numbers
# become letters.
set -u

mkdir work
sleep 7777 &
a=$!
(cd work && exec tail -f /dev/null 3>../held 4<&0 </dev/null) &
b=$!
bash -c 'sleep 7778 & echo $! >inner; wait' look-inner one two &
c=$!
sh -c 'sleep 0 & exec sleep 7779' &
d=$!
nice -n 7 sleep 7780 &
e=$!

until [ -s inner ] && [ "$(echo $(ps -o comm= -p $a,$b,$d,$e))" = "sleep tail sleep sleep" ]; do sleep 0.05; done
i=$(cat inner)
z=
until z=$(echo $(ps -o pid= --ppid $d)) && [ "$(ps -o stat= -p "$z")" = Z ]; do sleep 0.05; done

letters() {
    sed -E "s/\b$a\b/A/g; s/\b$b\b/B/g; s/\b$c\b/C/g; s/\b$d\b/D/g; s/\b$e\b/E/g; s/\b$i\b/I/g; s/\b$z\b/Z/g
            s/\b$$\b/SHELL/g; s|$PWD|DIR|g; s/^p[0-9]+$/process/; s/ +/ /g; s/^ | $//g"
}

echo "--- ps"
for p in $a $b $c $d $e $i $z; do
    ps -o pid,ppid,stat,user,group,comm,args -p $p | letters
done
ps -o ni,nlwp,cls,policy,pri -p $e | awk '{print $1, $2, $3, $4, $5}'
ps -o time,etimes -p $a | awk 'NR > 1 {print $1, ($2 < 60)}'
ps -o rss,vsz,%mem -p $b | awk 'NR > 1 {print ($1 > 100), ($2 > 1000), ($2 > $1), ($3 < 50)}'
ps -L -o pid,lwp,comm -p $c | letters
ps -f -p $b | awk 'NR > 1 {print $1, $8, $9, $10}'
ps u -p $e | awk 'NR > 1 {print $1, $8, $11, $12}'
ps -o args --forest -p $c,$i
ps -o pid= -p 4194303 || echo "nobody $?"
ps axo pid,comm | letters | grep "B tail"

echo "--- pgrep"
pgrep -P $$ -x sleep | sort | letters | sort
pgrep -P $$ -a -f 'look-inner|7779' | letters | sort
pgrep -P $$ -c sleep
pgrep -P $c -l | letters
pgrep -P $$ -n -x sleep | letters
pgrep -P $$ -x no-such-name || echo "nobody $?"
pgrep -P $$ -r S -u "$(id -un)" -o | letters
pidof tail | tr " " "\n" | grep -x $b | letters

echo "--- pstree, pwdx"
pstree -p $c | letters
pstree -a $c
pstree -s $i | grep -o 'bash---sleep'
pwdx $b | letters

echo "--- lsof, fuser"
lsof -nP -w -p $b -a -d cwd,rtd,txt,0,3,4 -F pcfatn | letters
lsof -t held | letters
lsof -w -c tail -a +D work -F pn | letters
echo "$(fuser held 2>/dev/null)" | letters
fuser -v held 2>&1 | grep tail | letters

echo "--- signals"
pkill -P $$ -f 'sleep 7777'
wait $a 2>/dev/null || echo "A $?"
kill -STOP $e
until [ "$(ps -o stat= -p $e)" = TN ]; do sleep 0.05; done
pgrep -P $$ -r T | letters
kill -KILL $e
wait $e 2>/dev/null || echo "E $?"
fuser -s -k held
wait $b 2>/dev/null || echo "B $?"
kill "$i"
wait $c || echo "C $?"
kill $d
wait $d 2>/dev/null || echo "D $?"
ps -o pid= -p $a,$b,$c,$d,$e,"$i" || echo "nobody $?"
rm -r work held inner

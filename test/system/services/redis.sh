#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A redis server that forks to save its data and to rewrite its log, and finds both again after a restart.
cli="redis-cli -s redis.sock"
start()
{
    redis-server --port 0 --unixsocket "redis.sock" --dir "$PWD" --appendonly yes --save '' \
        --daemonize no --logfile redis.log &
    server=$!
    i=0
    until [ "$($cli ping 2>/dev/null)" = PONG ] || [ $i = 200 ]; do
        sleep 0.05
        i=$((i + 1))
    done
}
idle()
{
    i=0
    while $cli info persistence | grep -qE 'in_progress:1|scheduled:1' && [ $i -lt 200 ]; do
        sleep 0.05
        i=$((i + 1))
    done
}

start
seq 2000 | sed 's/.*/set key:& value-&/' | $cli | sort | uniq -c
$cli incrby counter 41
$cli incr counter
$cli rpush list a b c
$cli bgsave
idle
$cli info persistence | tr -d '\r' | grep -E 'rdb_last_bgsave_status|rdb_saves'
[ -s dump.rdb ] && echo saved
$cli set after save
$cli bgrewriteaof
idle
$cli info persistence | tr -d '\r' | grep -E 'aof_last_bgrewrite_status|aof_enabled'
$cli eval 'return redis.call("dbsize")' 0
$cli shutdown
wait $server
echo "ended $?"
start
$cli dbsize
$cli mget key:1 key:2000 counter after
$cli lrange list 0 -1
$cli shutdown
wait $server
echo "ended $?"
rm -rf appendonlydir dump.rdb redis.log

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# PostgreSQL, not as root: initdb, start, pgbench with 8 clients, a clean shutdown, a restart with the data there.
# Usage: postgres.sh [SECONDS [SCALE]]
if [ "$(id -u)" = 0 ]; then
    mkdir -p data
    chown postgres:postgres data
    exec setpriv --reuid=postgres --regid=postgres --clear-groups /bin/sh "$0" "$@"
fi
seconds=${1:-10} scale=${2:-5}
PATH=/usr/lib/postgresql/15/bin:$PATH
export HOME="$PWD/data" PGHOST="$PWD/data" PGDATABASE=postgres PGUSER=admin PGDATA="$PWD/data/db" LC_ALL=C TZ=UTC

initdb -A trust -U admin -N >data/initdb.log 2>&1 || cat data/initdb.log
echo "initdb $?"
cat >>"$PGDATA/postgresql.conf" <<END
listen_addresses = ''
unix_socket_directories = '$PGHOST'
max_connections = 20
END
start() { pg_ctl -w -t 40 -l data/log start >data/start.log 2>&1 || cat data/start.log data/log; echo "started"; }
ask() { psql -XAt -c "$1" 2>&1; }
stop() { pg_ctl -w -t 40 -m fast stop >/dev/null 2>&1; echo "stopped $?"; }

start
pgbench -i -s "$scale" >data/fill.log 2>&1 || cat data/fill.log
ask 'select count(*) from pgbench_accounts'
pgbench -c 8 -j 2 -T "$seconds" >data/bench.log 2>&1 || cat data/bench.log
grep -E 'clients|failed' data/bench.log
[ -z "$REPORT" ] || grep tps data/bench.log >&2
ask 'select sum(abalance) = (select sum(tbalance) from pgbench_tellers) and
            sum(abalance) = (select sum(delta) from pgbench_history) from pgbench_accounts'
ask 'create table kept as select g as id, md5(g::text) as hash from generate_series(1, 10000) g'
ask 'create index on kept(hash)'
before=$(ask 'select count(*), sum(abalance) from pgbench_accounts')
stop
start
[ "$(ask 'select count(*), sum(abalance) from pgbench_accounts')" = "$before" ] && echo "all there"
ask "select id from kept where hash = md5('777')"
ask "select md5(string_agg(hash, ',' order by id)) from kept"
stop
# A fast stop ends the connections that have not gone by themselves yet, and says so.
grep -E 'PANIC|FATAL|terminated|crash' data/log | grep -v 'due to administrator command'
rm -rf data/db data/*.log data/log

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# nginx: a master with two workers answers clients over the loopback, reloads, and ends.
mkdir -p www temp
for i in 1 2 3 4 5; do seq $((i * 1000)) >www/$i.txt; done
cat >nginx.conf <<END
worker_processes 2;
error_log $PWD/error.log;
pid $PWD/nginx.pid;
events { worker_connections 64; }
http {
    access_log $PWD/access.log;
    client_body_temp_path $PWD/temp/a;
    proxy_temp_path $PWD/temp/b;
    fastcgi_temp_path $PWD/temp/c;
    uwsgi_temp_path $PWD/temp/d;
    scgi_temp_path $PWD/temp/e;
    server { listen 127.0.0.1:@PORT@; root $PWD/www; location /hello { return 200 "hello\n"; } }
}
END
port=$(python3 -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])')
sed -i "s/@PORT@/$port/" nginx.conf
url=http://127.0.0.1:$port
workers() { grep -l "^PPid:.$(cat nginx.pid)$" /proc/[0-9]*/status 2>/dev/null | wc -l; }

/usr/sbin/nginx -c "$PWD/nginx.conf" -e "$PWD/error.log"
echo "started $?"
curl -s "$url"/hello
i=0
until [ "$(workers)" = 2 ] || [ $i = 200 ]; do sleep 0.05; i=$((i + 1)); done
echo "workers $(workers)"
for i in 1 2 3 4 5; do curl -s "$url"/$i.txt | cksum; done
seq 40 | xargs -P 4 -n 1 sh -c "curl -s $url/3.txt | cksum" x | sort | uniq -c
curl -s -o /dev/null -w '%{http_code}\n' "$url"/nothing
python3 - "$url" <<'END'
import sys, urllib.request
print(len(urllib.request.urlopen(sys.argv[1] + "/5.txt").read()))
END
/usr/sbin/nginx -c "$PWD/nginx.conf" -e "$PWD/error.log" -s reload
echo "reloaded $?"
curl -s "$url"/hello
master=$(cat nginx.pid)
/usr/sbin/nginx -c "$PWD/nginx.conf" -e "$PWD/error.log" -s quit
i=0
while [ -e nginx.pid ] && [ $i -lt 200 ]; do sleep 0.05; i=$((i + 1)); done
[ -e nginx.pid ] || echo "ended"
i=0
while kill -0 "$master" 2>/dev/null && [ $i -lt 200 ]; do sleep 0.05; i=$((i + 1)); done
grep -c -F 'GET /' access.log
grep -E 'alert|emerg|crit' error.log
rm -rf www temp nginx.conf access.log error.log

# SPDX-License-Identifier: Apache-2.0
# The sqlite3 module: in memory, in a file with journal, transactions, functions.
import os
import sqlite3

for path in (":memory:", "test.db"):
    db = sqlite3.connect(path)
    db.execute("create table t(id integer primary key, name text, value real)")
    with db:
        db.executemany("insert into t(name, value) values(?, ?)",
                       ((f"n{i % 97}", i * 0.5) for i in range(20000)))
    try:
        with db:
            db.execute("delete from t")
            raise RuntimeError("roll back")
    except RuntimeError:
        pass
    print(db.execute("select count(*), sum(value), min(name), max(name) from t").fetchone())
    print(db.execute("select name, count(*) from t group by name order by 2 desc, 1 limit 3").fetchall())
    db.create_function("twice", 1, lambda x: x * 2)
    print(db.execute("select twice(21)").fetchone()[0])
    db.execute("create index i on t(name)")
    print(db.execute("pragma integrity_check").fetchone()[0])
    db.close()
print(sorted(os.listdir(".")))

# SPDX-License-Identifier: Apache-2.0
"""multiprocessing by one of its start methods: Pool, Queue, Pipe, locks, shared memory, Manager."""

import multiprocessing as mp
import os
import signal
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import shared_memory


def square(x):
    return x * x


def fail(x):
    raise ValueError(f"no {x}")


def worker(queue, results):
    for item in iter(queue.get, None):
        results.put(item * 2)
    results.put(None)


def echo(end):
    while (message := end.recv()) != "end":
        end.send(message[::-1])
    end.close()


def count(value, lock, event):
    event.wait()
    for _ in range(200):
        with lock:
            value.value += 1


def fill(name, start, step):
    block = shared_memory.SharedMemory(name=name)
    for i in range(start, block.size, step):
        block.buf[i] = i % 251
    block.close()


def record(shared, names, i):
    shared[i] = i * i
    names.append(i)


def leave(status):
    sys.exit(status)


def pools(context):
    with context.Pool(4) as pool:
        print(sum(pool.map(square, range(1000))))
        print(sorted(pool.imap_unordered(square, range(20), chunksize=3)))
        print(pool.apply_async(square, (12,)).get())
        try:
            pool.apply(fail, (7,))
        except ValueError as e:
            print("raised", e)
    with context.Pool(2, maxtasksperchild=1) as pool:
        print(pool.map(square, range(6), chunksize=1))
    with ProcessPoolExecutor(3, mp_context=context) as executor:
        print(sum(executor.map(square, range(100))))


def queues(context):
    queue, results = context.Queue(), context.Queue()
    workers = [context.Process(target=worker, args=(queue, results)) for _ in range(3)]
    for w in workers:
        w.start()
    for i in range(300):
        queue.put(i)
    for w in workers:
        queue.put(None)
    ended, got = 0, []
    while ended < 3:
        item = results.get()
        ended += item is None
        got += [] if item is None else [item]
    for w in workers:
        w.join()
    print(len(got), sum(got), [w.exitcode for w in workers])


def pipes(context):
    ours, theirs = context.Pipe()
    process = context.Process(target=echo, args=(theirs,))
    process.start()
    for text in ("abc", "x" * 200_000):
        ours.send(text)
        print(len(ours.recv()))
    ours.send("end")
    process.join()
    print(process.exitcode)


def locks(context):
    value, lock, event = context.Value("q", 0), context.Lock(), context.Event()
    workers = [context.Process(target=count, args=(value, lock, event)) for _ in range(4)]
    for w in workers:
        w.start()
    event.set()
    for w in workers:
        w.join()
    print(value.value, [w.exitcode for w in workers])


def shared(context):
    block = shared_memory.SharedMemory(create=True, size=40_000)
    workers = [context.Process(target=fill, args=(block.name, i, 4)) for i in range(4)]
    for w in workers:
        w.start()
    for w in workers:
        w.join()
    print(all(block.buf[i] == i % 251 for i in range(40_000)))
    block.close()
    block.unlink()
    with context.Manager() as manager:
        table, names = manager.dict(), manager.list()
        workers = [context.Process(target=record, args=(table, names, i)) for i in range(5)]
        for w in workers:
            w.start()
        for w in workers:
            w.join()
        print(sorted(table.items()), sorted(names))


def ends(context):
    process = context.Process(target=leave, args=(17,))
    process.start()
    process.join()
    print(process.exitcode)
    process = context.Process(target=signal.pause, daemon=True)
    process.start()
    process.terminate()
    process.join()
    print(process.exitcode, process.is_alive())
    print(mp.active_children() == [] or context.get_start_method())


if __name__ == "__main__":
    method = mp.get_context(sys.argv[1])
    for part in (pools, queues, pipes, locks, shared, ends):
        print("==", part.__name__, flush=True)
        part(method)
    print(os.path.basename(__file__), "done")

# SPDX-License-Identifier: Apache-2.0
# 50 threads feed and drain queues; locks, conditions, barriers, events, timers, a pool.
import concurrent.futures
import queue
import threading

work, done = queue.Queue(maxsize=20), queue.Queue()


def worker():
    while (item := work.get()) is not None:
        done.put(item * item)
        work.task_done()
    work.task_done()


threads = [threading.Thread(target=worker) for _ in range(50)]
for thread in threads:
    thread.start()
for i in range(5000):
    work.put(i)
for _ in threads:
    work.put(None)
work.join()
for thread in threads:
    thread.join()
print(sum(done.get() for _ in range(5000)), done.empty())

counter, lock = 0, threading.Lock()
barrier, event, order = threading.Barrier(50), threading.Event(), []
condition, turn = threading.Condition(), 0


def member(number):
    global counter, turn
    barrier.wait()
    for _ in range(100):
        with lock:
            counter += 1
    event.wait()
    with condition:
        condition.wait_for(lambda: turn == number)
        order.append(number)
        turn += 1
        condition.notify_all()


threads = [threading.Thread(target=member, args=(i,)) for i in range(50)]
for thread in threads:
    thread.start()
timer = threading.Timer(0.05, event.set)
timer.start()
for thread in threads:
    thread.join()
print(counter, order == list(range(50)))
try:
    queue.Queue().get(timeout=0.05)
except queue.Empty:
    print("timed out")
with concurrent.futures.ThreadPoolExecutor(8) as pool:
    print(sum(pool.map(lambda x: x + 1, range(1000))))
local = threading.local()
local.x = 1
print(threading.active_count())

# SPDX-License-Identifier: Apache-2.0
# asyncio: tasks, queues, timeouts, locks, threads called from the loop, cancellation.
import asyncio
import time


async def producer(queue, count):
    for i in range(count):
        await queue.put(i)
        if i % 100 == 0:
            await asyncio.sleep(0)
    await queue.put(None)


async def consumer(queue):
    total = 0
    while (item := await queue.get()) is not None:
        total += item
    return total


async def main():
    queue = asyncio.Queue(10)
    _, total = await asyncio.gather(producer(queue, 2000), consumer(queue))
    print("total", total)
    start = time.monotonic()
    await asyncio.gather(*(asyncio.sleep(0.05) for _ in range(500)))
    print("slept together", time.monotonic() - start < 5)
    try:
        await asyncio.wait_for(asyncio.sleep(60), 0.02)
    except asyncio.TimeoutError:
        print("timeout")
    print("thread", await asyncio.to_thread(lambda: sum(range(1000))))
    task = asyncio.create_task(asyncio.sleep(60))
    await asyncio.sleep(0)
    task.cancel()
    print("cancelled", (await asyncio.gather(task, return_exceptions=True))[0].__class__.__name__)
    lock, seen = asyncio.Lock(), []

    async def enter(i):
        async with lock:
            await asyncio.sleep(0.001)
            seen.append(i)

    await asyncio.gather(*(enter(i) for i in range(20)))
    print(seen == list(range(20)))
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    loop.call_later(0.01, future.set_result, "later")
    print(await future)


asyncio.run(main())

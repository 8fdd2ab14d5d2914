// SPDX-License-Identifier: Apache-2.0
// 200 threads under a collector that has to work: every thread makes garbage, keeps some, exchanges
// messages through bounded queues, dereferences null, waits with timeouts, and is interrupted.

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.Future;
import java.util.concurrent.RecursiveTask;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.IntStream;

public class Workers {
    static final int THREADS = 200;

    static class Node {
        Node next;
        byte[] data;
        int number;
    }

    /** A null dereference is a SIGSEGV to the machine, and an exception here. */
    static int nulls(int rounds) {
        int caught = 0;
        for (int i = 0; i < rounds; i++) {
            Node node = i % 2 == 0 ? null : new Node();
            try {
                caught += node.number;
            } catch (NullPointerException e) {
                caught++;
            }
        }
        return caught;
    }

    static int deep(int depth) {
        return deep(depth + 1) + 1;
    }

    static boolean overflows() {
        try {
            return deep(0) < 0;
        } catch (StackOverflowError e) {
            return true;
        }
    }

    /** Garbage, of which a little is kept for a while. */
    static long churn(int seed, int rounds) {
        Node kept = null;
        long sum = 0;
        int length = 0;
        for (int i = 0; i < rounds; i++) {
            Node node = new Node();
            node.data = new byte[64 + (seed * 31 + i * 17) % 2000];
            node.data[i % 64] = (byte) (seed + i);
            node.number = i;
            if (i % 8 == 0) {
                node.next = kept;
                kept = node;
                if (++length > 100) {
                    kept = null;
                    length = 0;
                }
            }
            sum += node.data[i % 64] + node.data.length;
        }
        return sum;
    }

    static void threads() throws Exception {
        BlockingQueue<Integer> there = new ArrayBlockingQueue<>(16);
        BlockingQueue<Integer> back = new ArrayBlockingQueue<>(16);
        AtomicLong churned = new AtomicLong();
        AtomicInteger caught = new AtomicInteger();
        CountDownLatch done = new CountDownLatch(THREADS);
        CyclicBarrier barrier = new CyclicBarrier(THREADS);
        List<Thread> all = new ArrayList<>();
        for (int t = 0; t < THREADS; t++) {
            int number = t;
            Thread thread = new Thread(() -> {
                try {
                    barrier.await();
                    churned.addAndGet(churn(number, 2000));
                    caught.addAndGet(nulls(200));
                    for (int i = 0; i < 50; i++) {
                        back.put(there.take() * 2);
                    }
                    barrier.await();
                } catch (Exception e) {
                    System.out.println("thread " + number + ": " + e);
                }
                done.countDown();
            });
            thread.start();
            all.add(thread);
        }
        Thread feeder = new Thread(() -> {
            try {
                for (int i = 0; i < THREADS * 50; i++) {
                    there.put(i);
                }
            } catch (InterruptedException e) {
                System.out.println("feeder: " + e);
            }
        });
        feeder.start();
        long sum = 0;
        for (int i = 0; i < THREADS * 50; i++) {
            sum += back.take();
        }
        done.await();
        for (Thread thread : all) {
            thread.join();
        }
        System.out.println("sum " + sum + ", churned " + churned + ", caught " + caught);
    }

    static void interrupts() throws Exception {
        AtomicInteger interrupted = new AtomicInteger();
        List<Thread> sleepers = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            Thread thread = new Thread(() -> {
                try {
                    Thread.sleep(100_000);
                } catch (InterruptedException e) {
                    interrupted.incrementAndGet();
                }
            });
            thread.start();
            sleepers.add(thread);
        }
        Thread parked = new Thread(() -> {
            while (!Thread.currentThread().isInterrupted()) {
                LockSupport.park();
            }
            interrupted.incrementAndGet();
        });
        parked.start();
        sleepers.add(parked);
        for (Thread thread : sleepers) {
            thread.interrupt();
        }
        for (Thread thread : sleepers) {
            thread.join();
        }
        System.out.println("interrupted " + interrupted);
    }

    static class Sum extends RecursiveTask<Long> {
        final int from;
        final int to;

        Sum(int from, int to) {
            this.from = from;
            this.to = to;
        }

        @Override
        protected Long compute() {
            if (to - from < 1000) {
                return IntStream.range(from, to).asLongStream().map(x -> x * x % 7).sum();
            }
            Sum left = new Sum(from, (from + to) / 2);
            left.fork();
            return new Sum((from + to) / 2, to).compute() + left.join();
        }
    }

    static void pools() throws Exception {
        System.out.println("fork and join " + new ForkJoinPool(8).invoke(new Sum(0, 1_000_000)));
        ExecutorService pool = Executors.newFixedThreadPool(10);
        List<Callable<Integer>> tasks = new ArrayList<>();
        for (int i = 0; i < 500; i++) {
            int n = i;
            tasks.add(() -> n * n);
        }
        long total = 0;
        for (Future<Integer> future : pool.invokeAll(tasks)) {
            total += future.get();
        }
        pool.shutdown();
        System.out.println("futures " + total + " " + pool.awaitTermination(60, TimeUnit.SECONDS));
        ScheduledExecutorService timer = Executors.newScheduledThreadPool(2);
        CountDownLatch ticks = new CountDownLatch(100);
        for (int i = 0; i < 100; i++) {
            timer.schedule(ticks::countDown, i, TimeUnit.MILLISECONDS);
        }
        ticks.await();
        timer.shutdownNow();
        System.out.println("parallel " + IntStream.range(0, 100_000).parallel()
                .mapToObj(i -> Integer.toString(i % 1000)).distinct().count());
    }

    static void locks() throws Exception {
        Object monitor = new Object();
        ReentrantLock lock = new ReentrantLock(true);
        int[] counters = new int[2];
        Map<Integer, Integer> map = new ConcurrentHashMap<>();
        List<Thread> all = new ArrayList<>();
        for (int t = 0; t < 16; t++) {
            Thread thread = new Thread(() -> {
                for (int i = 0; i < 500; i++) {
                    synchronized (monitor) {
                        counters[0]++;
                        monitor.notifyAll();
                    }
                    lock.lock();
                    counters[1]++;
                    lock.unlock();
                    map.merge(i % 10, 1, Integer::sum);
                }
            });
            thread.start();
            all.add(thread);
        }
        synchronized (monitor) {
            while (counters[0] < 16 * 500) {
                monitor.wait();
            }
        }
        for (Thread thread : all) {
            thread.join();
        }
        System.out.println("counters " + counters[0] + " " + counters[1] + " " + new TreeMap<>(map));
    }

    static void memory() {
        // Half of the default heap is kept at the end; the collector has to move and to give back.
        List<byte[]> kept = new ArrayList<>();
        long total = 0;
        for (int round = 0; round < 3; round++) {
            for (int i = 0; i < 100; i++) {
                byte[] block = new byte[1 << 20];
                block[i] = 1;
                kept.add(block);
                total += block.length;
            }
            kept.clear();
            System.gc();
        }
        Map<String, Integer> words = new HashMap<>();
        for (int i = 0; i < 200_000; i++) {
            words.merge("word" + i % 5000, i, Integer::sum);
        }
        System.out.println("allocated " + (total >> 20) + " MiB, words " + words.size());
    }

    public static void main(String[] arguments) throws Exception {
        Runtime.getRuntime().addShutdownHook(new Thread(() -> System.out.println("hook")));
        System.out.println("nulls " + nulls(200_000) + ", overflow " + overflows());
        threads();
        interrupts();
        pools();
        locks();
        memory();
        System.exit(3);
    }
}

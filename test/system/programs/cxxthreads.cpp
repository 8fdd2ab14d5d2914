// SPDX-License-Identifier: Apache-2.0
// <thread>, <future>, <condition_variable>, <shared_mutex>, <semaphore>, <barrier>, <latch> and atomic
// waits, with exceptions across threads and thread-local objects.

#include <array>
#include <atomic>
#include <barrier>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <future>
#include <iostream>
#include <latch>
#include <mutex>
#include <numeric>
#include <semaphore>
#include <shared_mutex>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;

static std::atomic<int> destroyed;

struct Local {
    int value = 7;
    ~Local() { destroyed += value; }
};

static thread_local Local local;

template <class T> class Queue {
public:
    explicit Queue(size_t limit) : limit_(limit) {}

    void put(T value)
    {
        std::unique_lock lock(mutex_);
        space_.wait(lock, [&] { return items_.size() < limit_; });
        items_.push_back(std::move(value));
        data_.notify_one();
    }

    T take()
    {
        std::unique_lock lock(mutex_);
        data_.wait(lock, [&] { return !items_.empty(); });
        T value = std::move(items_.front());
        items_.pop_front();
        space_.notify_one();
        return value;
    }

private:
    size_t limit_;
    std::mutex mutex_;
    std::condition_variable space_, data_;
    std::deque<T> items_;
};

static long queues()
{
    Queue<std::string> there(8);
    Queue<long> back(8);
    std::vector<std::jthread> workers;
    for (int i = 0; i < 16; i++)
        workers.emplace_back([&] {
            for (std::string text; !(text = there.take()).empty();)
                back.put(std::stol(text) * local.value);
        });
    std::jthread feeder([&] {
        for (int i = 0; i < 10000; i++)
            there.put(std::to_string(i));
        for (size_t i = 0; i < workers.size(); i++)
            there.put("");
    });
    long sum = 0;
    for (int i = 0; i < 10000; i++)
        sum += back.take();
    return sum;
}

static std::string futures()
{
    std::vector<std::future<long>> parts;
    for (int i = 0; i < 50; i++)
        parts.push_back(std::async(std::launch::async, [i] {
            std::vector<long> numbers(1000);
            std::iota(numbers.begin(), numbers.end(), i);
            return std::accumulate(numbers.begin(), numbers.end(), 0L);
        }));
    long sum = 0;
    for (auto &part : parts)
        sum += part.get();
    auto failing = std::async(std::launch::async, []() -> int { throw std::runtime_error("thrown"); });
    std::string words;
    try {
        failing.get();
    } catch (const std::runtime_error &error) {
        words = error.what();
    }
    std::promise<int> promise;
    auto shared = promise.get_future().share();
    std::vector<std::jthread> waiters;
    std::atomic<int> seen = 0;
    for (int i = 0; i < 10; i++)
        waiters.emplace_back([&, shared] { seen += shared.get(); });
    bool early = shared.wait_for(5ms) == std::future_status::timeout;
    promise.set_value(3);
    waiters.clear();
    std::packaged_task<int(int)> task([](int x) { return x + 1; });
    auto result = task.get_future();
    std::thread(std::move(task), 41).join();
    return std::to_string(sum) + " " + words + " " + std::to_string(early) + " " +
           std::to_string(seen) + " " + std::to_string(result.get());
}

static std::string primitives()
{
    constexpr int count = 12;
    std::latch latch(count);
    std::counting_semaphore<4> semaphore(4);
    std::atomic<int> inside = 0, most = 0, rounds = 0, flag = 0;
    std::barrier barrier(count, [&]() noexcept { rounds++; });
    std::shared_mutex shared;
    std::timed_mutex timed;
    int written = 0;
    std::vector<std::jthread> threads;
    for (int i = 0; i < count; i++)
        threads.emplace_back([&, i] {
            latch.arrive_and_wait();
            for (int j = 0; j < 50; j++) {
                semaphore.acquire();
                int now = ++inside, old = most;
                while (old < now && !most.compare_exchange_weak(old, now))
                    ;
                inside--;
                semaphore.release();
                barrier.arrive_and_wait();
                if (i == 0) {
                    std::unique_lock lock(shared);
                    written++;
                } else {
                    std::shared_lock lock(shared);
                    rounds += written < 0;
                }
            }
            flag.wait(0);
        });
    std::this_thread::sleep_for(5ms);
    flag = 1;
    flag.notify_all();
    threads.clear();
    timed.lock();
    bool got = std::async(std::launch::async, [&] { return timed.try_lock_for(5ms); }).get();
    timed.unlock();
    std::stop_source stop;
    std::jthread looping([](std::stop_token token) {
        std::mutex mutex;
        std::condition_variable_any condition;
        std::unique_lock lock(mutex);
        condition.wait(lock, token, [] { return false; });
    });
    looping.request_stop();
    looping.join();
    return std::to_string(rounds) + " " + std::to_string(written) + " " +
           std::to_string(most <= 4) + " " + std::to_string(got);
}

static int storm()
{
    std::atomic<int> ran = 0;
    for (int i = 0; i < 100; i++) {
        std::array<std::thread, 20> threads;
        for (auto &thread : threads)
            thread = std::thread([&] { ran += local.value; });
        for (auto &thread : threads)
            thread.join();
    }
    return ran;
}

int main()
{
    std::cout << "queues " << queues() << "\nfutures " << futures() << "\nprimitives "
              << primitives() << "\nstorm " << storm() << "\n";
    std::once_flag once;
    std::atomic<int> calls = 0;
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < 8; i++)
            threads.emplace_back([&] { std::call_once(once, [&] { calls++; }); });
    }
    std::condition_variable never;
    std::mutex mutex;
    std::unique_lock lock(mutex);
    std::cout << "once " << calls << ", timed out "
              << (never.wait_for(lock, 10ms) == std::cv_status::timeout) << ", destroyed "
              << destroyed % 7 << std::endl;
    std::thread([] { std::this_thread::sleep_for(1h); }).detach();
    return 9;
}

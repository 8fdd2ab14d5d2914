// SPDX-License-Identifier: Apache-2.0
// Exceptions through frames with destructors, rethrown, nested, from threads, and a terminate.
#include <cstring>
#include <iostream>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace
{
int alive;

struct guard {
    guard()
    {
        alive++;
    }
    ~guard()
    {
        alive--;
    }
};

int dive(int depth)
{
    guard g;
    std::string padding(static_cast<size_t>(depth), 'x');

    if (depth == 0)
        throw std::out_of_range("the bottom");
    return dive(depth - 1) + static_cast<int>(padding.size());
}

std::string nested()
{
    try {
        try {
            std::vector<int>().at(5);
        } catch (const std::out_of_range &) {
            std::throw_with_nested(std::runtime_error("outer"));
        }
    } catch (const std::runtime_error &error) {
        try {
            std::rethrow_if_nested(error);
        } catch (const std::exception &) {
            return std::string(error.what()) + " over inner";
        }
    }
    return "none";
}
} // namespace

int main(int argc, char **argv)
{
    int caught = 0;

    for (int i = 0; i < 2000; i++) {
        try {
            dive(i % 50);
        } catch (const std::logic_error &error) {
            caught += std::strcmp(error.what(), "the bottom") == 0;
        }
    }
    std::cout << caught << " caught, " << alive << " alive, " << nested() << std::endl;

    std::exception_ptr from_thread;
    std::thread thread([&] {
        try {
            dive(10);
        } catch (...) {
            from_thread = std::current_exception();
        }
    });
    thread.join();
    try {
        std::rethrow_exception(from_thread);
    } catch (const std::out_of_range &error) {
        std::cout << "from a thread: " << error.what() << std::endl;
    }
    try {
        std::unique_ptr<char[]> huge(new char[static_cast<size_t>(1) << 46]);
        std::cout << static_cast<void *>(huge.get()) << std::endl;
    } catch (const std::bad_alloc &error) {
        std::cout << error.what() << std::endl;
    }
    std::map<std::string, int> words;
    for (int i = 0; i < 10000; i++)
        words["w" + std::to_string(i % 77)]++;
    std::cout << words.size() << " " << words["w5"] << std::endl;
    if (argc > 1 && std::string(argv[1]) == "terminate")
        throw std::runtime_error("nobody catches this");
    return 0;
}

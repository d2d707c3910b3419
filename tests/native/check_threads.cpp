// Puts the pool of threads under load from several callers, for ThreadSanitizer. Built and run by
// tests/test_threads_native.py.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <stdexcept>
#include <thread>
#include <vector>

#include "../../csrc/cpu/threads.hpp"

using namespace fastgrad;

namespace {

void expect(bool good, const char* what) {
    if (good) return;
    std::printf("FAILED: %s\n", what);
    std::exit(1);
}

// Every task runs once, and what it writes is there when the job is done: plain memory, so a race would be seen.
void check_jobs(int jobs) {
    std::vector<int> counts(40, 0);
    for (int job = 0; job < jobs; ++job) {
        const int tasks = 1 + job % 40;
        parallel_for(tasks, [&](int i) { counts[std::size_t(i)] += job; });
        int* memory = static_cast<int*>(scratch(Scratch::row, std::size_t(tasks) * sizeof(int)));
        parallel_for(tasks, [&](int i) { memory[i] = counts[std::size_t(i)]; });
        for (int i = 0; i < tasks; ++i) expect(memory[i] == counts[std::size_t(i)], "what tasks wrote");
    }
    for (int i = 0; i < 40; ++i) {
        int sum = 0;
        for (int job = 0; job < jobs; ++job) sum += i < 1 + job % 40 ? job : 0;
        expect(counts[std::size_t(i)] == sum, "every task runs once");
    }
}

// The first exception arrives, whichever thread threw it, and the pool works on.
void check_exceptions(int jobs) {
    const std::thread::id caller = std::this_thread::get_id();
    for (int job = 0; job < jobs; ++job) {
        bool caught = false;
        std::atomic<int> others{0};
        try {
            parallel_for(8, [&](int i) {
                if (std::this_thread::get_id() != caller) {
                    ++others;
                    throw std::bad_alloc();
                }
                if (i == 7) throw std::bad_alloc();
                std::this_thread::sleep_for(std::chrono::microseconds(5));
            });
        } catch (const std::bad_alloc&) {
            caught = true;
        }
        expect(caught || others == 0, "an exception in a pool thread reaches the caller");
    }
}

void check_asleep(int jobs) {
    for (int job = 0; job < jobs; ++job) {
        std::this_thread::sleep_for(std::chrono::microseconds(80 + job)); // about as long as workers stay awake
        int done[4] = {0, 0, 0, 0};
        parallel_for(4, [&](int i) { done[i] = i + 1; });
        for (int i = 0; i < 4; ++i) expect(done[i] == i + 1, "sleeping workers");
    }
}

} // namespace

int main() {
    set_num_threads(4);
    check_jobs(400);
    check_exceptions(100);
    check_asleep(60);

    std::vector<std::thread> callers;
    for (int i = 0; i < 3; ++i)
        callers.emplace_back([] {
            check_jobs(200);
            check_exceptions(30);
        });
    callers.emplace_back([] { // the number of threads changes meanwhile
        for (int i = 0; i < 60; ++i) {
            set_num_threads(1 + i % 4);
            (void)tasks_for(1e4);
            std::this_thread::sleep_for(std::chrono::microseconds(300));
        }
    });
    for (std::thread& caller : callers) caller.join();
    std::puts("well");
}

#include "threads.hpp"

#include <atomic>
#include <cstdlib>
#include <mutex>
#include <new>
#include <stdexcept>
#include <string>

#include <pthread.h>

#include "cpus.hpp"
#include "pool.hpp"

namespace fastgrad {
namespace {

// 0: the user has not said
int threads_of_environment() {
    const char* text = std::getenv("FASTGRAD_NUM_THREADS");
    if (!text || !*text) return 0;
    char* end = nullptr;
    const long n = std::strtol(text, &end, 10);
    if (end != text && *end == 0 && n >= 1 && n <= most_threads) return int(n);
    throw std::runtime_error("FASTGRAD_NUM_THREADS is '" + std::string(text) + "', expected an integer from 1 to " +
                             std::to_string(most_threads));
}

// Measured with `python -m bench threads` and with training steps, on cores that share a cache and on cores that do
// not: to hand over a task costs 0.2 or 0.7 us, to move its data as much again or ten times as much.
constexpr double ns_worth_a_task = 6000;
constexpr double ns_worth_waking = 50000;   // a sleeping worker costs the caller some 10 us, and comes 25 us late
constexpr double ns_of_a_long_task = 20000; // from here on two a thread may be better than one

std::mutex owner;                 // held by the caller whose job runs
Pool* const pool = new Pool;      // never destroyed: its threads may still be inside it at exit
std::atomic<int> wanted{0};       // 0: not yet decided
std::atomic<double> missed_ns{0}; // work that was too short, piece by piece, to wake the workers for it

// A child of fork has only the forking thread: it starts a pool of its own at its next parallel kernel.
void before_fork() { owner.lock(); }
void after_fork_in_parent() { owner.unlock(); }
void after_fork_in_child() {
    new (pool) Pool;
    owner.unlock();
}
[[maybe_unused]] const int fork_handlers = pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);

} // namespace

int num_threads() {
    int n = wanted.load(std::memory_order_relaxed);
    if (n == 0) {
        n = threads_of_environment();
        if (n == 0) n = usable_cpus();
        wanted.store(n, std::memory_order_relaxed);
    }
    return n;
}

void set_num_threads(int n) { wanted.store(n, std::memory_order_relaxed); }

void be_a_worker_process() {
    const int n = threads_of_environment();
    set_num_threads(n ? n : 1);
}

thread_local int alone = 0;

Alone::Alone() { ++alone; }
Alone::~Alone() { --alone; }

int tasks_for(double cost) {
    if (alone) return 1;
    const int n = num_threads();
    if (n == 1 || cost < 2 * ns_worth_a_task) return 1;
    if (cost < ns_worth_waking && pool->mostly_asleep()) {
        const double missed = missed_ns.load(std::memory_order_relaxed) + cost;
        missed_ns.store(missed < ns_worth_waking ? missed : 0, std::memory_order_relaxed);
        if (missed < ns_worth_waking) return 1;
    }
    return cost < n * ns_worth_a_task ? int(cost / ns_worth_a_task) : n;
}

int finer_tasks_for(double cost, int tasks) {
    return tasks > 1 && cost >= 2 * tasks * ns_of_a_long_task ? 2 * tasks : tasks;
}

void parallel(int tasks, void (*task)(void*, int), void* context) {
    const int threads = num_threads();
    std::unique_lock<std::mutex> lock(owner, std::defer_lock);
    if (threads == 1 || !lock.try_lock()) {
        for (int i = 0; i < tasks; ++i) task(context, i);
        return;
    }
    if (pool->wanted() != threads - 1) {
        if (pool->wanted()) pool->stop();
        pool->start(threads - 1);
    }
    pool->run(tasks, task, context);
}

void* scratch(Scratch slot, std::size_t bytes) {
    struct Buffer {
        void* memory = nullptr;
        std::size_t size = 0;
        ~Buffer() { std::free(memory); }
    };
    thread_local Buffer buffers[int(Scratch::count)];
    Buffer& buffer = buffers[int(slot)];
    if (buffer.size < bytes) {
        const std::size_t size = (bytes + 4095) / 4096 * 4096;
        void* memory = std::aligned_alloc(64, size);
        if (!memory) throw std::bad_alloc();
        std::free(buffer.memory);
        buffer.memory = memory, buffer.size = size;
    }
    return buffer.memory;
}

} // namespace fastgrad

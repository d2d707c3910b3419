#include "threads.hpp"

#include <atomic>
#include <cmath>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <memory>
#include <mutex>
#include <new>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include <pthread.h>
#include <sched.h>

namespace fastgrad {
namespace {

constexpr int spins_before_sleep = 4000; // some tens of microseconds: consecutive kernels find the workers awake

inline void pause() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

// One job at a time. `ticket` holds the job's number (32 bits), how many tasks it has and which is next (16 bits each),
// so a worker that comes late can never take a task of a job it has not seen: its compare-exchange fails.
class Pool {
  public:
    // Starts up to `workers` threads: as many as the system gives. Fewer give the same results, later.
    void start(int workers) noexcept {
        wanted_ = workers;
        sigset_t all, before;
        sigfillset(&all); // signals are for the program's own threads
        pthread_sigmask(SIG_SETMASK, &all, &before);
        for (int i = 0; i < workers; ++i) {
            alive_.fetch_add(1, std::memory_order_relaxed);
            try {
                std::thread([this] { work(); }).detach();
            } catch (const std::system_error&) {
                alive_.fetch_sub(1, std::memory_order_relaxed);
                break;
            }
        }
        pthread_sigmask(SIG_SETMASK, &before, nullptr);
    }

    void run(int tasks, void (*task)(void*, int), void* context) {
        task_ = task, context_ = context;
        failure_ = nullptr;
        failed_.store(false, std::memory_order_relaxed);
        unfinished_.store(tasks, std::memory_order_relaxed);
        const std::uint32_t job = ++job_;
        ticket_.store(std::uint64_t(job) << 32 | std::uint64_t(tasks) << 16, std::memory_order_release);
        publish(job);
        take_tasks(job);
        for (int i = 0; i < spins_before_sleep && unfinished_.load(std::memory_order_acquire); ++i) pause();
        while (const int left = unfinished_.load(std::memory_order_acquire))
            unfinished_.wait(left, std::memory_order_acquire);
        if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
    }

    int wanted() const { return wanted_; }

    void stop() { // returns when no worker touches this object any more
        stopping_.store(true, std::memory_order_release);
        publish(++job_);
        while (alive_.load(std::memory_order_acquire)) std::this_thread::yield();
    }

  private:
    // Sequentially consistent: notify_all must not look for sleepers before the store is seen, or one would sleep on.
    void publish(std::uint32_t job) {
        published_.store(job, std::memory_order_seq_cst);
        published_.notify_all();
    }

    void take_tasks(std::uint32_t job) {
        for (;;) {
            std::uint64_t ticket = ticket_.load(std::memory_order_acquire);
            do {
                if (ticket >> 32 != job || (ticket & 0xffff) >= (ticket >> 16 & 0xffff)) return;
            } while (!ticket_.compare_exchange_weak(ticket, ticket + 1, std::memory_order_acq_rel));
            try {
                task_(context_, int(ticket & 0xffff));
            } catch (...) {
                if (!failed_.exchange(true)) failure_ = std::current_exception();
            }
            if (unfinished_.fetch_sub(1, std::memory_order_acq_rel) == 1) unfinished_.notify_all();
        }
    }

    void work() {
        std::uint32_t seen = 0;
        for (;;) {
            for (int i = 0; i < spins_before_sleep && published_.load(std::memory_order_acquire) == seen; ++i) pause();
            published_.wait(seen, std::memory_order_acquire);
            seen = published_.load(std::memory_order_acquire);
            if (stopping_.load(std::memory_order_acquire)) {
                alive_.fetch_sub(1, std::memory_order_release);
                return;
            }
            take_tasks(seen);
        }
    }

    int wanted_ = 0;
    void (*task_)(void*, int) = nullptr;
    void* context_ = nullptr;
    std::uint32_t job_ = 0;
    std::exception_ptr failure_;
    std::atomic<bool> failed_{false}, stopping_{false};
    alignas(64) std::atomic<std::uint64_t> ticket_{0};
    alignas(64) std::atomic<int> unfinished_{0};
    alignas(64) std::atomic<std::uint32_t> published_{0};
    std::atomic<int> alive_{0};
};

// The processors that a container's quota pays for, rounded up; 0 without one.
int cgroup_cpus() {
    std::ifstream file("/sys/fs/cgroup/cpu.max");
    double quota = 0, period = 0;
    return file >> quota >> period && quota > 0 && period > 0 ? int(std::ceil(quota / period)) : 0;
}

int default_threads() {
    if (const char* text = std::getenv("FASTGRAD_NUM_THREADS"); text && *text) {
        char* end = nullptr;
        const long n = std::strtol(text, &end, 10);
        if (end != text && *end == 0 && n >= 1 && n <= 1024) return int(n);
        throw std::runtime_error("FASTGRAD_NUM_THREADS is '" + std::string(text) +
                                 "', expected an integer from 1 to 1024");
    }
    cpu_set_t set;
    int usable =
        sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : int(std::thread::hardware_concurrency());
    if (const int quota = cgroup_cpus(); quota > 0 && quota < usable) usable = quota;
    return usable > 0 ? usable : 1;
}

std::mutex owner;     // held by the caller whose job runs
Pool* pool = nullptr; // never destroyed at exit: its threads may still be inside it
std::atomic<int> wanted{0};

// A child of fork has only the forking thread: it starts a pool of its own at its next parallel kernel.
void before_fork() { owner.lock(); }
void after_fork_in_parent() { owner.unlock(); }
void after_fork_in_child() {
    pool = nullptr;
    owner.unlock();
}
[[maybe_unused]] const int fork_handlers = pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);

} // namespace

int num_threads() {
    int n = wanted.load(std::memory_order_relaxed);
    if (n == 0) wanted.store(n = default_threads(), std::memory_order_relaxed);
    return n;
}

void set_num_threads(int n) { wanted.store(n, std::memory_order_relaxed); }

int tasks_for(double cost) {
    constexpr double worth_a_task = 8000; // a fork-join costs some microseconds
    const int n = num_threads();
    if (n == 1 || cost < 2 * worth_a_task) return 1;
    const double most = cost / worth_a_task;
    return most < n ? int(most) : n;
}

void parallel(int tasks, void (*task)(void*, int), void* context) {
    const int threads = num_threads();
    std::unique_lock<std::mutex> lock(owner, std::defer_lock);
    if (threads == 1 || !lock.try_lock()) {
        for (int i = 0; i < tasks; ++i) task(context, i);
        return;
    }
    if (pool && pool->wanted() != threads - 1) {
        pool->stop();
        delete pool;
        pool = nullptr;
    }
    if (!pool) {
        pool = new Pool;
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

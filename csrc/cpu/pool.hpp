// A pool of threads that run one job at a time together with the thread that has it: the mechanism of threads.cpp.
//
// A job costs the caller one exchange and one look at another thread's counter while the workers are awake: what they
// need lies in one cache line, which they watch, and nobody is called that does not sleep. Work for less than a
// microsecond can be shared like that; threads.cpp knows how little.
#pragma once

#include <atomic>
#include <chrono>
#include <climits>
#include <csignal>
#include <cstdint>
#include <exception>
#include <thread>
#include <utility>

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace fastgrad {

inline void pause() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

using Word = std::atomic<std::uint32_t>;

inline void sleep_while(Word& word, std::uint32_t value) {
    syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, value, nullptr, nullptr, 0);
}

inline void wake(Word& word, int threads) {
    syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, threads, nullptr, nullptr, 0);
}

// Waits for ready() without giving the processor away, but not for long.
template <class Ready> bool spin_until(Ready ready) {
    using Clock = std::chrono::steady_clock;
    // As long as falling asleep and being woken costs, which is the most that waiting the wrong way can lose: the
    // kernels of a training step find the workers awake.
    constexpr std::chrono::microseconds patience(100);
    for (int i = 0; i < 64; ++i) {
        if (ready()) return true;
        pause();
    }
    const Clock::time_point end = Clock::now() + patience;
    do
        for (int i = 0; i < 16; ++i) {
            if (ready()) return true;
            pause();
        }
    while (Clock::now() < end);
    return ready();
}

// Schedulers wake a thread beside the one that wakes it, and can leave the two on one processor for tens of
// milliseconds while another idles. So a worker that finds itself on its caller's processor goes to another one that it
// may use; where it runs afterwards is the scheduler's choice again.
inline void leave_processor(int cpu) {
    cpu_set_t usable, others;
    if (cpu < 0 || cpu >= CPU_SETSIZE || sched_getcpu() != cpu || sched_getaffinity(0, sizeof usable, &usable)) return;
    others = usable;
    CPU_CLR(cpu, &others);
    if (CPU_COUNT(&others) == 0 || sched_setaffinity(0, sizeof others, &others)) return;
    sched_setaffinity(0, sizeof usable, &usable);
}

// start, stop and run are for one caller at a time.
class Pool {
  public:
    // Starts up to `workers` threads: as many as the system gives. Fewer give the same results, later.
    void start(int workers) noexcept {
        sigset_t all, before;
        sigfillset(&all); // signals are for the program's own threads
        pthread_sigmask(SIG_SETMASK, &all, &before);
        caller_cpu_.store(sched_getcpu(), std::memory_order_relaxed);
        ready_.store(0, std::memory_order_relaxed);
        wanted_ = workers;
        for (started_ = 0; started_ < workers; ++started_) {
            alive_.fetch_add(1, std::memory_order_relaxed);
            try {
                std::thread([this, seen = job_] { work(seen); }).detach();
            } catch (const std::exception&) { // no thread, or no memory for one
                alive_.fetch_sub(1, std::memory_order_relaxed);
                break;
            }
        }
        pthread_sigmask(SIG_SETMASK, &before, nullptr);
        // asleep meanwhile, so that a worker on this processor gets the chance to leave it
        for (std::uint32_t ready; (ready = ready_.load(std::memory_order_acquire)) < std::uint32_t(started_);)
            sleep_while(ready_, ready);
    }

    // Returns when no worker touches this object any more.
    void stop() noexcept {
        publish(0);
        while (alive_.load(std::memory_order_acquire)) std::this_thread::yield();
        wanted_ = started_ = 0;
    }

    int wanted() const { return wanted_; }

    // Also true while there is nobody.
    bool mostly_asleep() const {
        return sleeping_.load(std::memory_order_relaxed) * 2 >= alive_.load(std::memory_order_relaxed);
    }

    // tasks in [2, 65535]
    void run(int tasks, void (*task)(void*, int), void* context) {
        task_ = task, context_ = context;
        publish(std::uint32_t(tasks));
        attempt(task, context, 0); // which is the caller's from the start
        expected_ += std::uint32_t(tasks) - 1 - take_tasks(job_);
        const auto done = [&] { return finished_.load(std::memory_order_acquire) == expected_; };
        if (!spin_until(done)) {
            joining_.store(1, std::memory_order_seq_cst);
            for (std::uint32_t n; (n = finished_.load(std::memory_order_seq_cst)) != expected_;)
                sleep_while(finished_, n);
            joining_.store(0, std::memory_order_relaxed);
        }
        if (failed_.load(std::memory_order_relaxed)) {
            failed_.store(false, std::memory_order_relaxed);
            std::rethrow_exception(std::exchange(failure_, nullptr));
        }
    }

  private:
    // The ticket: the job's number in 32 bits, how many tasks it has and which is next in 16 bits each. A worker takes
    // the next task by compare-exchange, so one that comes late cannot take a task of a job that it has not seen.
    // A job of no tasks is the end.
    static std::uint32_t job_of(std::uint64_t ticket) { return std::uint32_t(ticket >> 32); }
    static std::uint32_t tasks_of(std::uint64_t ticket) { return std::uint32_t(ticket >> 16 & 0xffff); }
    static std::uint32_t next_of(std::uint64_t ticket) { return std::uint32_t(ticket & 0xffff); }

    // Either the caller sees a worker among the sleepers, or that worker sees the job before it sleeps: both write
    // first and look afterwards, in the one order of sequentially consistent operations.
    void publish(std::uint32_t tasks) {
        ticket_.store(std::uint64_t(++job_) << 32 | std::uint64_t(tasks) << 16 | 1, std::memory_order_seq_cst);
        const int sleeping = int(sleeping_.load(std::memory_order_seq_cst));
        if (sleeping == 0) return;
        const int missing = tasks == 0 ? sleeping : int(tasks) - 1 - (started_ - sleeping);
        if (missing <= 0) return;
        caller_cpu_.store(sched_getcpu(), std::memory_order_relaxed);
        alarm_.fetch_add(1, std::memory_order_release);
        wake(alarm_, missing < sleeping ? missing : sleeping);
    }

    void attempt(void (*task)(void*, int), void* context, std::uint32_t i) {
        try {
            task(context, int(i));
        } catch (...) {
            if (!failed_.exchange(true)) failure_ = std::current_exception();
        }
    }

    // Returns how many it took.
    std::uint32_t take_tasks(std::uint32_t job) {
        for (std::uint32_t taken = 0;; ++taken) {
            std::uint64_t ticket = ticket_.load(std::memory_order_acquire);
            do
                if (job_of(ticket) != job || next_of(ticket) >= tasks_of(ticket)) return taken;
            while (!ticket_.compare_exchange_weak(ticket, ticket + 1, std::memory_order_acq_rel));
            attempt(task_, context_, next_of(ticket));
        }
    }

    void work(std::uint32_t seen) {
        pthread_setname_np(pthread_self(), "fastgrad");
        leave_processor(caller_cpu_.load(std::memory_order_relaxed));
        ready_.fetch_add(1, std::memory_order_release);
        wake(ready_, 1);
        std::uint64_t ticket = 0;
        for (;; seen = job_of(ticket)) {
            const auto called = [&](std::memory_order order) { return job_of(ticket = ticket_.load(order)) != seen; };
            while (!spin_until([&] { return called(std::memory_order_acquire); })) {
                const std::uint32_t alarm = alarm_.load(std::memory_order_acquire);
                sleeping_.fetch_add(1, std::memory_order_seq_cst);
                if (!called(std::memory_order_seq_cst)) sleep_while(alarm_, alarm);
                sleeping_.fetch_sub(1, std::memory_order_seq_cst);
                leave_processor(caller_cpu_.load(std::memory_order_relaxed));
            }
            if (tasks_of(ticket) == 0) break;
            if (const std::uint32_t taken = take_tasks(job_of(ticket))) {
                finished_.fetch_add(taken, std::memory_order_seq_cst);
                if (joining_.load(std::memory_order_seq_cst)) wake(finished_, 1);
            }
        }
        alive_.fetch_sub(1, std::memory_order_release);
    }

    // written by the caller, watched by the workers
    alignas(64) std::atomic<std::uint64_t> ticket_{0};
    void (*task_)(void*, int) = nullptr;
    void* context_ = nullptr;
    // written by the workers, watched by the caller; counts on from job to job, so nobody has to reset it
    alignas(64) Word finished_{0};
    // rarely written
    alignas(64) Word sleeping_{0};
    Word alarm_{0}, joining_{0}, ready_{0}, alive_{0};
    std::atomic<int> caller_cpu_{-1};
    std::atomic<bool> failed_{false};
    std::exception_ptr failure_;
    // the caller's alone
    alignas(64) std::uint32_t job_ = 0;
    std::uint32_t expected_ = 0;
    int wanted_ = 0, started_ = 0;
};

} // namespace fastgrad

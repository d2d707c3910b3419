// The pool of threads that kernels share, and scratch memory per thread.
#pragma once

#include <cstddef>

namespace fastgrad {

// Runs task(context, i) for i in [0, tasks), tasks < 65536, on the pool and the caller's thread, in any order; returns
// when all are done. Runs them one after the other if the pool is busy with another caller. The first exception reaches
// the caller.
void parallel(int tasks, void (*task)(void* context, int i), void* context);

template <class Body> inline void parallel_for(int tasks, Body&& body) {
    if (tasks == 1) {
        body(0);
    } else if (tasks > 1) {
        parallel(tasks, [](void* context, int i) { (*static_cast<Body*>(context))(i); }, &body);
    }
}

constexpr int most_threads = 1024;
int num_threads();
void set_num_threads(int n); // from 1 to most_threads

// For a process that works beside its siblings: one thread, unless FASTGRAD_NUM_THREADS says how many.
void be_a_worker_process();

// How many tasks to cut work of `cost` (about nanoseconds on one thread) into: 1 below what a fork-join is worth.
int tasks_for(double cost);

// While it lives, what this thread computes is cut into one task: it is one of several threads' shares already.
class Alone {
  public:
    Alone();
    ~Alone();
    Alone(const Alone&) = delete;
    Alone& operator=(const Alone&) = delete;
};

// Where a finer cut costs nothing: twice as many, if they are long, so that a thread that comes late, or loses its
// processor, leaves half of its share to the others.
int finer_tasks_for(double cost, int tasks);

// Memory that stays this thread's until it asks for the same slot again; aligned to 64 bytes. Throws std::bad_alloc.
enum class Scratch { dz, packed_b, packed_a, tiles, row, db, block, count };
void* scratch(Scratch slot, std::size_t bytes);

} // namespace fastgrad

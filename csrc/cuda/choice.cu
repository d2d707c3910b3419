// The choice is measured: both kernels make the product a few times on a stream of their own, into memory of their own.
// Not while a graph is captured, when memory cannot come and go: what nobody has met before is then our own. A recorded
// function has run once before, with products of the same kinds.
#include "choice.hpp"

#include <atomic>
#include <map>
#include <mutex>
#include <tuple>

#include "product.hpp"

namespace fastgrad::cuda {
namespace {

constexpr double worth_a_choice = 1 << 22; // multiplications: below, a product is over before it matters
constexpr int rounds = 3;

std::atomic<Kernels> chosen{Kernels::fastest};
std::mutex mutex;
using Kind = std::tuple<int, Precision, Size, Size, Size, Size, bool, bool>; // the first is the device
auto& all_measured() {
    static auto& the = *new std::map<Kind, Measured>;
    return the;
}

// A stream, two events and memory, while something is measured; the call's own come back afterwards.
class Bench {
  public:
    explicit Bench(std::size_t bytes) : Bench() {  // from now on the destructor runs, whatever fails
        check(cudaStreamSynchronize(call.stream)); // the factors are there, and nothing else runs
        check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking));
        call.stream = stream_, call.scratch = &scratch_, call.options = nullptr;
        for (cudaEvent_t& event : events_) check(cudaEventCreateWithFlags(&event, 0));
        memory_ = allocate(bytes);
    }
    Bench(const Bench&) = delete;
    Bench& operator=(const Bench&) = delete;
    ~Bench() {
        if (stream_) cudaStreamSynchronize(stream_);
        release(memory_);
        for (const cudaEvent_t event : events_)
            if (event) cudaEventDestroy(event);
        if (stream_) cudaStreamDestroy(stream_);
        call = before_;
    }
    float* memory() const { return static_cast<float*>(memory_); }
    // The seconds of the fastest of some runs, after one that does not count.
    template <class Run> double seconds(const Run& run) {
        float fastest = 0;
        for (int i = 0; i <= rounds; ++i) {
            check(cudaEventRecord(events_[0], stream_));
            run();
            check(cudaEventRecord(events_[1], stream_));
            check(cudaEventSynchronize(events_[1]));
            float milliseconds = 0;
            check(cudaEventElapsedTime(&milliseconds, events_[0], events_[1]));
            if (i == 1 || (i > 1 && milliseconds < fastest)) fastest = milliseconds;
        }
        return double(fastest) / 1e3;
    }

  private:
    Bench() : before_(call) {}

    Call before_;
    Scratch scratch_{false};
    cudaStream_t stream_ = nullptr;
    cudaEvent_t events_[2] = {};
    void* memory_ = nullptr;
};

bool is_capturing() {
    cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
    if (cudaStreamIsCapturing(call.stream, &status) == cudaSuccess) return status != cudaStreamCaptureStatusNone;
    cudaGetLastError(); // the default stream, beside another that is captured
    return true;
}

Measured measure(Measured found, const Matmul<float>& asked) {
    const Size rows = asked.batch * asked.m, n = asked.n;
    Bench bench(std::size_t(2 * rows * n) * sizeof(float));
    Matmul<float> p = asked;
    p.y = bench.memory();
    const auto seconds_of = [&](const Product<float>& product) {
        return bench.seconds([&] {
            reserve(product.room());
            product.run(Store<float>{p.y, p.m, n});
        });
    };
    found.library = seconds_of({p, true});
    found.own = seconds_of({p, false});
    found.finish = bench.seconds([&] { join(rows, n, p.y, 1, Store<float>{bench.memory() + rows * n, rows, n}); });
    return found;
}

} // namespace

void set_kernels(Kernels kernels) { chosen = kernels; }
Kernels kernels_of_products() { return chosen; }

std::vector<Measured> measured_products() {
    const std::lock_guard lock(mutex);
    std::vector<Measured> all;
    for (const auto& [kind, measured] : all_measured()) all.push_back(measured);
    return all;
}

bool uses_library(const Matmul<float>& p) {
    const Kernels kernels = chosen;
    if (kernels == Kernels::own || !library_takes(p)) return false;
    if (kernels == Kernels::library) return true;
    if (double(p.batch) * double(p.m) * double(p.n) * double(p.k) < worth_a_choice) return false;
    int device = 0;
    check(cudaGetDevice(&device));
    const Measured met{p.precision, p.batch, p.m, p.n, p.k, p.a.rows == 1, p.b.rows == 1, 0, 0, 0};
    const Kind kind{device, p.precision, p.batch, p.m, p.n, p.k, met.a_in_columns, met.b_in_columns};
    const std::lock_guard lock(mutex);
    auto found = all_measured().find(kind);
    if (found == all_measured().end()) {
        if (is_capturing()) return false;
        try {
            found = all_measured().emplace(kind, measure(met, p)).first;
        } catch (const OutOfMemory&) { // there may be enough for the product alone
            return false;
        } catch (const LibraryError&) { return false; }
    }
    return found->second.is_library_faster();
}

} // namespace fastgrad::cuda

// The choice is measured: both kernels make the product a few times on a stream of their own, into memory of their own.
// Not while a graph is captured, when memory cannot come and go: a recorded function has run once before, with products
// of the same kinds.
#include "choice.hpp"

#include <atomic>
#include <map>
#include <mutex>
#include <tuple>

#include "precision.hpp"

namespace fastgrad::cuda {
namespace {

constexpr double worth_a_choice = 1 << 22;    // multiplications: below, a product is over before it matters
constexpr double worth_the_library = 1 << 27; // where nothing was measured
constexpr int rounds = 3;

std::atomic<Kernels> chosen{Kernels::fastest};
std::mutex mutex;
using Kind = std::tuple<int, Precision, Size, Size, Size, bool, bool>; // the first is the device
auto& all_measured() {
    static auto& the = *new std::map<Kind, Measured>;
    return the;
}

// A stream, two events and memory, while something is measured; the call's own come back afterwards.
class Bench {
  public:
    explicit Bench(std::size_t bytes) : before_(call) {
        check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking));
        call.stream = stream_, call.scratch = &scratch_, call.options = nullptr;
        for (cudaEvent_t& event : events_) check(cudaEventCreateWithFlags(&event, 0));
        check(cudaMalloc(&memory_, bytes));
    }
    Bench(const Bench&) = delete;
    Bench& operator=(const Bench&) = delete;
    ~Bench() {
        if (stream_) cudaStreamSynchronize(stream_);
        cudaFree(memory_);
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
    Call before_;
    Scratch scratch_{false};
    cudaStream_t stream_ = nullptr;
    cudaEvent_t events_[2] = {};
    void* memory_ = nullptr;
};

Measured measure(Measured found, View<float> a, View<float> b) {
    const auto [precision, m, n, k] = std::tuple(found.precision, found.m, found.n, found.k);
    Bench bench(std::size_t(2 * m * n) * sizeof(float));
    const Store<float> there{bench.memory(), m, n}, beside{bench.memory() + m * n, m, n};
    bool can = true;
    found.library = bench.seconds([&] { can = can && library_product(precision, m, n, k, a, b, there.y); });
    if (!can) found.library = -1;
    found.finish = bench.seconds([&] { finish_product(m, n, there.y, beside); });
    found.own = bench.seconds([&] {
        reserve(room_for_product<float>(m, n, k));
        own_product(precision, m, n, k, a, b, there);
    });
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

bool uses_library(Precision precision, Size m, Size n, Size k, View<float> a, View<float> b, bool is_plain) {
    const Kernels kernels = chosen;
    if (!has_library() || kernels == Kernels::own) return false;
    if (kernels == Kernels::library) return true;
    if (double(m) * double(n) * double(k) < worth_a_choice) return false;
    int device = 0;
    check(cudaGetDevice(&device));
    const Measured asked{precision, m, n, k, a.rows == 1, b.rows == 1, 0, 0, 0};
    const Kind kind{device, precision, m, n, k, asked.a_in_columns, asked.b_in_columns};
    const std::lock_guard lock(mutex);
    auto found = all_measured().find(kind);
    if (found == all_measured().end()) {
        if (call.options) return double(m) * double(n) * double(k) >= worth_the_library;
        found = all_measured().emplace(kind, measure(asked, a, b)).first;
    }
    return found->second.is_library_faster(is_plain);
}

} // namespace fastgrad::cuda

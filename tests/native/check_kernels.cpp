// Checks the kernels of one instruction set against plain loops, without Python: for sets that the machine at hand can
// only emulate. Built and run by tools/check_neon.sh.
#include <cmath>
#include <cstdio>
#include <vector>

#include "../../csrc/cpu/dispatch.hpp"

using namespace fastgrad;

namespace {

int failures = 0;

void expect(const char* what, double error, double limit) {
    const bool good = error <= limit;
    std::printf("%-34s error %.2e, limit %.0e%s\n", what, error, limit, good ? "" : "  FAILED");
    failures += !good;
}

double wave(int i) { return std::sin(0.37 * i) * 1.7; }

template <class T> std::vector<T> waves(Size n, int phase) {
    std::vector<T> x;
    for (Size i = 0; i < n; ++i) x.push_back(T(wave(int(i) * 3 + phase)));
    return x;
}

// linear with a sigmoid, forward and backward, for sizes around the register tile
template <class T> void check_linear(double limit) {
    double forward = 0, backward = 0;
    for (Size m = 0; m < 18; m += 3)
        for (Size n = 1; n < 36; n += 5)
            for (Size k : {Size(0), Size(1), Size(9), Size(40)}) {
                const auto x = waves<T>(m * k, 1), w = waves<T>(n * k, 2), b = waves<T>(n, 3), dy = waves<T>(m * n, 4);
                std::vector<T> y(std::size_t(m * n), T(NAN)), dx(std::size_t(m * k), T(NAN)), dw(std::size_t(n * k), T(NAN)),
                    db(std::size_t(n), T(NAN));
                const BoundActivation sigmoid{0, {}, Reads::output};
                kernels<T>().linear_forward({m, n, k, y.data(), nullptr, {x.data(), k, 1}, {w.data(), k, 1}, b.data(), sigmoid});
                kernels<T>().linear_backward({m, n, k, dx.data(), dw.data(), false, db.data(), dy.data(), y.data(),
                                              {x.data(), k, 1}, {w.data(), k, 1}, sigmoid});
                std::vector<double> dz;
                for (Size i = 0; i < m; ++i)
                    for (Size j = 0; j < n; ++j) {
                        double z = b[j];
                        for (Size p = 0; p < k; ++p) z += double(x[i * k + p]) * w[j * k + p];
                        const double s = 1 / (1 + std::exp(-z));
                        forward = std::max(forward, std::abs(double(y[i * n + j]) - s));
                        dz.push_back(dy[i * n + j] * s * (1 - s));
                    }
                const auto compare = [&](T got, double want) { backward = std::max(backward, std::abs(double(got) - want)); };
                for (Size j = 0; j < n; ++j) {
                    double sum = 0;
                    for (Size i = 0; i < m; ++i) sum += dz[i * n + j];
                    compare(db[j], sum);
                    for (Size p = 0; p < k; ++p) {
                        double dw_jp = 0;
                        for (Size i = 0; i < m; ++i) dw_jp += dz[i * n + j] * x[i * k + p];
                        compare(dw[j * k + p], dw_jp);
                    }
                }
                for (Size i = 0; i < m; ++i)
                    for (Size p = 0; p < k; ++p) {
                        double dx_ip = 0;
                        for (Size j = 0; j < n; ++j) dx_ip += dz[i * n + j] * w[j * k + p];
                        compare(dx[i * k + p], dx_ip);
                    }
            }
    expect(sizeof(T) == 4 ? "linear forward float" : "linear forward double", forward, limit);
    expect(sizeof(T) == 4 ? "linear backward float" : "linear backward double", backward, 20 * limit);
}

template <class T> void check_softmax(double limit) {
    const Size rows = 5, columns = 37;
    const auto x = waves<T>(rows * columns, 5);
    std::vector<T> y(x.size());
    kernels<T>().softmax_forward(y.data(), x.data(), rows, columns, false);
    double error = 0;
    for (Size i = 0; i < rows; ++i) {
        double sum = 0;
        for (Size j = 0; j < columns; ++j) sum += std::exp(double(x[i * columns + j]));
        for (Size j = 0; j < columns; ++j)
            error = std::max(error, std::abs(double(y[i * columns + j]) - std::exp(double(x[i * columns + j])) / sum));
    }
    expect(sizeof(T) == 4 ? "softmax float" : "softmax double", error, limit);
}

} // namespace

int main() {
    std::printf("instruction set %s\n", instruction_set_name());
    check_linear<float>(1e-6);
    check_linear<double>(1e-15);
    check_softmax<float>(1e-7);
    check_softmax<double>(1e-16);
    return failures != 0;
}

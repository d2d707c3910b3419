// What a block of a product on tensor cores has in shared memory: rows of 128 bytes along k, rounded on their way
// there.
//
// A row's 8 chunks of 16 bytes are in an order of the row's own, so that neither writing nor reading meets a bank
// twice.
#pragma once

#include "mma.hpp"

namespace fastgrad::cuda {

constexpr int row_bytes = 128, chunk_bytes = 16;
constexpr int steps = 4; // instructions along k of a tile: each takes two chunks

__device__ __forceinline__ int place_of(int row, int chunk) {
    return row * row_bytes + (chunk ^ (row & 7) ^ (row >> 3 & 3)) * chunk_bytes;
}
// The order of the rows repeats after 32. Of `place` in the row that is 16 * down below, and 2 * by chunks further (an
// exclusive or): what place_of is, for less.
__device__ __forceinline__ int moved(int place, int down, int by) {
    return (place ^ ((by ^ (down & 1)) * 2 * chunk_bytes)) + down * 16 * row_bytes;
}

// A block's tile is (rows, columns), a warp's (warp_rows, warp_columns) of it. It is fetched in pieces, as there are
// not registers for all of it.
template <int rows_, int columns_, int warp_rows_, int warp_columns_, int pieces_> struct TensorTile {
    static constexpr int rows = rows_, columns = columns_, warp_rows = warp_rows_, warp_columns = warp_columns_;
    static constexpr int pieces = pieces_;
    static constexpr int warps_across = columns / warp_columns;
    static_assert(32 * warps_across * (rows / warp_rows) == block_threads);
    static constexpr int pitch = columns + 8; // of the sums in shared memory: fewer bank conflicts
    static constexpr int factor_bytes = (rows + columns) * row_bytes, sum_bytes = rows * pitch * int(sizeof(float));
    static constexpr int shared = 2 * factor_bytes > sum_bytes ? 2 * factor_bytes : sum_bytes;
};

// One factor's way into shared memory: fetched to registers while the tile before is computed with, then rounded and
// put down. Neighbouring threads read along the dimension that is contiguous.
//
// A thread has the words of one chunk's size at a time, a unit: side by side in a row, or one below the other in four
// rows. Its units lie `apart` rows from each other. packed: fours can be read at once, and all are whole
// (can_be_packed).
template <int rows, int pieces, class Kind, bool packed> struct Factor {
    static constexpr int per_word = Kind::per_word;
    static constexpr int depth = row_bytes / int(sizeof(Word)) * per_word;
    static constexpr int apart = block_threads / (row_bytes / chunk_bytes);
    static constexpr int each = rows / apart / pieces; // units of a thread in a piece
    static_assert(each * apart * pieces == rows && apart == 32);

    using Step = std::conditional_t<packed, int, Size>; // fewer registers where it is enough

    const float* from;               // the first number of this thread's first unit
    Step unit_step, word_step, step; // to the next unit, to the next four numbers, to the next number
    Step depth_step;                 // to the next tile
    int row, word;                   // of this thread
    int rows_left, first_k;          // rows that there are, and where the thread is in k
    bool along_rows;
    float held[each][per_word][4];

    __device__ __forceinline__ Factor(View<float> a, Size first_row, Size row_count) : along_rows(a.rows == 1) {
        const int t = int(threadIdx.x);
        row = along_rows ? t % 8 * 4 : t / 8;
        word = along_rows ? t / 32 * 4 + t / 8 % 4 : t % 8 * 4;
        first_k = word * per_word;
        rows_left = int(row_count - first_row < rows ? row_count - first_row : rows) - row;
        from = a.p + (first_row + row) * a.rows + first_k * a.columns;
        step = Step(along_rows ? a.rows : a.columns);
        word_step = Step(along_rows ? a.columns : 4 * a.columns);
        unit_step = Step(apart * a.rows), depth_step = Step(depth * a.columns);
    }
    // A piece of the tile that begins `k_left` numbers before the end.
    __device__ __forceinline__ void fetch(Size k_left, int piece) {
        const int left = int(k_left < depth ? k_left : depth) - first_k;
#pragma unroll
        for (int e = 0; e < each; ++e) {
            const int u = piece * each + e, lower = rows_left - u * apart;
#pragma unroll
            for (int w = 0; w < per_word; ++w) {
                const int beside = along_rows ? (w < left ? lower : 0) : (lower > 0 ? left - 4 * w : 0);
                const float* const p = from + u * unit_step + w * word_step;
                if constexpr (packed) {
                    Pack<float, 4> four{};
                    if (beside > 0) four = *reinterpret_cast<const Pack<float, 4>*>(p);
#pragma unroll
                    for (int i = 0; i < 4; ++i) held[e][w][i] = four.v[i];
                } else {
#pragma unroll
                    for (int i = 0; i < 4; ++i) held[e][w][i] = i < beside ? p[i * step] : 0.f;
                }
            }
        }
    }
    __device__ __forceinline__ void go_on() { from += depth_step; } // to the next tile
    __device__ __forceinline__ void put(unsigned char* tile, int piece) const {
#pragma unroll
        for (int e = 0; e < each; ++e) {
            const int to = place_of(row, word / 4) + (piece * each + e) * apart * row_bytes;
            if (along_rows) {
#pragma unroll
                for (int i = 0; i < 4; ++i) {
                    float numbers[per_word];
#pragma unroll
                    for (int w = 0; w < per_word; ++w) numbers[w] = held[e][w][i];
                    const int lower = (to ^ i * chunk_bytes) + i * row_bytes + word % 4 * int(sizeof(Word)); // row + i
                    *reinterpret_cast<Word*>(tile + lower) = word_of(Kind(), numbers);
                }
            } else {
                Pack<Word, 4> chunk;
#pragma unroll
                for (int i = 0; i < 4; ++i) chunk.v[i] = word_of(Kind(), &held[e][0][0] + i * per_word);
                *reinterpret_cast<Pack<Word, 4>*>(tile + to) = chunk;
            }
        }
    }
};

// Whether fours of a factor (rows, k) can be read at once, none of them across an end.
inline bool can_be_packed(View<float> a, Size rows, Size k) {
    constexpr Size longest = 1 << 22; // 256 rows are reached by an int
    if (!are_aligned(a.p) || a.rows > longest || a.columns > longest || a.rows < 0 || a.columns < 0) return false;
    return a.rows == 1 ? a.columns % 4 == 0 && rows % 4 == 0 : a.columns == 1 && a.rows % 4 == 0 && k % 4 == 0;
}

// A warp's sums, and what it multiplies in one step along k.
template <int warp_rows, int warp_columns, class Kind> struct WarpTile {
    static constexpr int down = warp_rows / 16, across = warp_columns / 8;
    static_assert(across % 2 == 0);

    int row, column;      // of the warp within the block's tile
    int a_place, b_place; // of this lane's chunks for the first instruction
    float sum[down][across][4] = {};

    __device__ __forceinline__ WarpTile(int first_row, int first_column) : row(first_row), column(first_column) {
        const int lane = int(threadIdx.x) % 32;
        a_place = place_of(row + lane % 16, lane / 16);
        b_place = place_of(column + lane / 16 * 8 + lane % 8, lane / 8 % 2);
    }

    __device__ __forceinline__ void multiply(const unsigned char* left, const unsigned char* right, int step) {
        Word a[down][4], b[across / 2][4]; // b: two chunks of 8 columns, then of the next 8
#pragma unroll
        for (int d = 0; d < down; ++d) load_matrices(a[d], left + moved(a_place, d, step));
#pragma unroll
        for (int c = 0; c < across / 2; ++c) load_matrices(b[c], right + moved(b_place, c, step));
#pragma unroll
        for (int d = 0; d < down; ++d)
#pragma unroll
            for (int c = 0; c < across; ++c) multiply_add(Kind(), sum[d][c], a[d], b[c / 2] + c % 2 * 2);
    }
    __device__ __forceinline__ void put(float* sums, int pitch) const {
        const int lane = int(threadIdx.x) % 32;
#pragma unroll
        for (int d = 0; d < down; ++d)
#pragma unroll
            for (int c = 0; c < across; ++c)
#pragma unroll
                for (int half = 0; half < 2; ++half) {
                    const int at = (row + d * 16 + half * 8 + lane / 4) * pitch + column + c * 8 + lane % 4 * 2;
                    *reinterpret_cast<Pack<float, 2>*>(sums + at) = {sum[d][c][2 * half], sum[d][c][2 * half + 1]};
                }
    }
};

} // namespace fastgrad::cuda

// The first and the last kernel of a graph.
#include "mail.hpp"

#include "grid.hpp"

namespace fastgrad::cuda {
namespace {

// body(Item{}) with the largest item of 16, 8, 4 or 1 bytes that all of `bits` are multiples of.
template <class Body> __device__ void with_item(std::uintptr_t bits, const Body& body) {
    if (bits % 16 == 0) body(uint4{});
    else if (bits % 8 == 0) body(std::uint64_t{});
    else if (bits % 4 == 0) body(std::uint32_t{});
    else body(std::uint8_t{});
}

// `count` rows of `bytes`, which lie in `from` in the order of `rows`, or one after the other where that is null.
__device__ void copy_rows(char* to, const char* from, Size count, Size bytes, const std::int64_t* rows) {
    const auto bits =
        reinterpret_cast<std::uintptr_t>(to) | reinterpret_cast<std::uintptr_t>(from) | std::uintptr_t(bytes);
    with_item(bits, [&]<class Item>(Item) {
        const Size items = bytes / Size(sizeof(Item));
        for_each_element(count * items, [&](Size i) {
            const Size source = rows ? rows[i / items] * items + i % items : i;
            reinterpret_cast<Item*>(to)[i] = reinterpret_cast<const Item*>(from)[source];
        });
    });
}

__global__ void begin_kernel(Mail* mail) {
    const Step step = mail->step;
    const std::int64_t* rows = step.order ? step.order + step.number * step.batch : nullptr;
    for (int i = 0; i < mail->ins; ++i) {
        const Move m = mail->in[i];
        const Size count = rows ? step.batch : 1;
        copy_rows(m.to, m.from, count, m.bytes / count, rows);
    }
    if (blockIdx.x == 0 && threadIdx.x == 0) mail->number_of_line = step.number;
}

__global__ void end_kernel(Mail* mail) {
    for (int i = 0; i < mail->outs; ++i) {
        const Move m = mail->out[i];
        copy_rows(m.to + mail->number_of_line * m.bytes, m.from, 1, m.bytes, nullptr);
    }
    if (blockIdx.x != 0 || threadIdx.x != 0) return; // nobody else here reads what follows
    mail->step.number = mail->number_of_line + mail->each;
    for (int i = 0; i < mail->advance_count; ++i) *mail->advances[i].number += mail->advances[i].by;
}

struct Letter {
    static constexpr int most = 1024;
    char bytes[most];
};
__global__ void deliver_kernel(char* to, const __grid_constant__ Letter letter, int count) {
    for (int i = int(threadIdx.x); i < count; i += int(blockDim.x)) to[i] = letter.bytes[i];
}

} // namespace

void deliver(char* to, const char* from, std::size_t bytes) {
    for (std::size_t at = 0; at < bytes; at += Letter::most) {
        Letter letter;
        const std::size_t count = bytes - at < Letter::most ? bytes - at : std::size_t(Letter::most);
        std::memcpy(letter.bytes, from + at, count);
        launch(deliver_kernel, dim3(1), block_threads, 0, to + at, letter, int(count));
    }
}

void launch_begin(Mail* mail, Size bytes) { launch(begin_kernel, grid_for(bytes / 16 + 1), block_threads, 0, mail); }
void launch_end(Mail* mail, Size bytes) { launch(end_kernel, grid_for(bytes / 16 + 1), block_threads, 0, mail); }

} // namespace fastgrad::cuda

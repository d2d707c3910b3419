#include "graph.hpp"

#include <algorithm>
#include <cstring>

#include "choice.hpp"

namespace fastgrad::cuda {
namespace {

Size total(const std::vector<Move>& moves) {
    Size bytes = 0;
    for (const Move& m : moves) bytes += m.bytes;
    return bytes;
}

// Destroys what a capture that fails leaves behind.
class Capture {
  public:
    explicit Capture(cudaStream_t stream) : stream_(stream) {
        check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeRelaxed));
    }
    Capture(const Capture&) = delete;
    Capture& operator=(const Capture&) = delete;
    ~Capture() {
        if (!ended_) cudaStreamEndCapture(stream_, &graph_), cudaGetLastError();
        if (graph_) cudaGraphDestroy(graph_);
    }
    cudaGraphExec_t finish() {
        ended_ = true;
        check(cudaStreamEndCapture(stream_, &graph_));
        cudaGraphExec_t executable = nullptr;
        check(cudaGraphInstantiate(&executable, graph_, 0));
        return executable;
    }

  private:
    cudaStream_t stream_;
    cudaGraph_t graph_ = nullptr;
    bool ended_ = false;
};

} // namespace

Graph::~Graph() {
    release(device_);
    drop_parts();
    if (done_) cudaEventDestroy(done_);
}

void Graph::drop_parts() {
    for (const Part& part : parts_)
        if (part.graph) cudaGraphExecDestroy(part.graph);
    parts_.clear();
}

void Graph::advance(void* number, std::int64_t by) { growths_.push_back({number, by}); }

void Graph::begin(const Step& step) {
    step_ = step;
    ins_.clear(), outs_.clear();
}

// Gives everything its place in the mail: the head, moves, advances, options.
void Graph::lay_out() {
    options_.clear(), places_.clear();
    moves_at_ = up(sizeof(Mail), 16);
    advances_at_ = moves_at_ + 2 * most_moves_ * sizeof(Move);
    std::size_t end = up(advances_at_ + growths_.size() * sizeof(Advance), 16);
    for (const auto& command : program_.commands())
        command->each_options([&](void* options, std::size_t bytes) {
            options_.push_back({options, bytes, end});
            end = up(end + bytes, 16);
        });
    mail_.assign(end, 0);
    if (!device_) device_ = static_cast<char*>(allocate(end));
    for (const Options& o : options_) places_[o.command] = device_ + o.at;
}

// One graph for all commands up to one in Python; the first begins with the arguments, the last ends with the results.
void Graph::capture(cudaStream_t stream) {
    Mail* const mail = reinterpret_cast<Mail*>(device_);
    const char* const name = call.kernel; // commands give it theirs
    const auto& commands = program_.commands();
    for (std::size_t i = 0; i <= commands.size(); ++i) {
        Capture part(stream);
        if (i == 0) launch_begin(mail, total(ins_));
        for (; i < commands.size() && !commands[i]->needs_python(); ++i) commands[i]->run();
        call.kernel = name;
        if (i == commands.size()) launch_end(mail, total(outs_));
        parts_.push_back({part.finish(), nullptr});
        if (i == commands.size()) return;
        parts_.push_back({nullptr, commands[i].get()});
        while (i + 1 < commands.size() && commands[i + 1]->needs_python())
            parts_.push_back({nullptr, commands[++i].get()});
    }
}

void Graph::make() {
    lay_out();
    drop_parts();
    if (kernels_of_products() == Kernels::library) prepare_library(); // while no stream is captured
    cudaStream_t stream = nullptr; // the current one may be the default stream, which cannot be captured
    check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
    struct Restore { // also when a command throws
        Call before;
        cudaStream_t stream;
        ~Restore() {
            call = before;
            cudaStreamDestroy(stream);
        }
    } restore{call, stream};
    call.stream = stream, call.scratch = &scratch_, call.options = &places_;
    capture(stream);
    sent_.clear();
    is_made_ = true;
}

void Graph::write_mail() {
    Mail mail{};
    mail.step = step_;
    mail.each = step_.order ? 1 : 0;
    // What the device has written: not to be a difference.
    if (!sent_.empty()) mail.number_of_line = reinterpret_cast<const Mail*>(sent_.data())->number_of_line;
    Move* const moves = reinterpret_cast<Move*>(mail_.data() + moves_at_);
    Advance* const advances = reinterpret_cast<Advance*>(mail_.data() + advances_at_);
    mail.ins = int(ins_.size()), mail.outs = int(outs_.size()), mail.advance_count = 0;
    mail.in = reinterpret_cast<Move*>(on_device(moves));
    mail.out = reinterpret_cast<Move*>(on_device(moves + ins_.size()));
    mail.advances = reinterpret_cast<Advance*>(on_device(advances));
    std::copy(ins_.begin(), ins_.end(), moves);
    std::copy(outs_.begin(), outs_.end(), moves + ins_.size());
    for (const Options& o : options_) {
        std::memcpy(mail_.data() + o.at, o.command, o.bytes);
        const char* begin = static_cast<const char*>(o.command);
        for (const Growth& g : growths_) {
            const std::ptrdiff_t offset = static_cast<const char*>(g.number) - begin;
            if (offset < 0 || offset >= std::ptrdiff_t(o.bytes)) continue;
            auto* number = reinterpret_cast<std::int64_t*>(device_ + o.at + offset);
            advances[mail.advance_count++] = {number, g.by};
        }
    }
    std::memcpy(mail_.data(), &mail, sizeof mail);
}

// A run on another stream than the last one waits for it: both use the same memory.
void Graph::wait_for_last(cudaStream_t stream) {
    if (!has_run_ || id_of(stream) == last_id_) return;
    if (!done_) check(cudaEventCreateWithFlags(&done_, cudaEventDisableTiming));
    if (!last_) check(cudaEventRecord(done_, last_)); // else it was recorded then: the stream may be gone
    check(cudaStreamWaitEvent(stream, done_, 0));
}

void Graph::run() {
    const cudaStream_t stream = call.stream;
    if (!is_made_) make();
    write_mail();
    wait_for_last(stream);
    if (mail_ != sent_) deliver(device_, mail_.data(), mail_.size());
    sent_.clear(); // unknown, should a launch fail
    for (const Part& part : parts_) {
        if (part.graph) check(cudaGraphLaunch(part.graph, stream));
        else part.command->run();
    }
    if (stream) {
        if (!done_) check(cudaEventCreateWithFlags(&done_, cudaEventDisableTiming));
        check(cudaEventRecord(done_, stream));
    }
    last_ = stream, last_id_ = id_of(stream), has_run_ = true;
    sent_ = mail_;
    Mail* const mail = reinterpret_cast<Mail*>(sent_.data());
    mail->number_of_line = mail->step.number;
    mail->step.number += mail->each;
    for (int i = 0; i < mail->advance_count; ++i) {
        const Advance& a = reinterpret_cast<const Advance*>(sent_.data() + advances_at_)[i];
        *reinterpret_cast<std::int64_t*>(sent_.data() + (reinterpret_cast<char*>(a.number) - device_)) += a.by;
    }
}

} // namespace fastgrad::cuda

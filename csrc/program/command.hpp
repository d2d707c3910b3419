// One command of a program: a kernel with its arguments, which can be run again and again.
//
// A command's pointers can be visited, so that a program may point an argument to other memory (the inputs and outputs
// of a call) without knowing what the kernel is.
#pragma once

#include <cstddef>
#include <functional>
#include <tuple>
#include <type_traits>
#include <utility>

#include "parts.hpp"

namespace fastgrad {

// Receives the address of a pointer; `T*` and `const T*` alike are handed over as the bytes that hold them.
using PointerVisitor = std::function<void(void* field)>;
// Receives what may differ from run to run: learning rates, counters of random numbers.
using OptionsVisitor = std::function<void(void* options, std::size_t bytes)>;

class Command {
  public:
    explicit Command(double nanoseconds) : nanoseconds(nanoseconds) {}
    Command(const Command&) = delete;
    Command& operator=(const Command&) = delete;
    virtual ~Command() = default;

    virtual void run() = 0;
    // Part i of `parts` of what run does, so that several threads can do it; finish() when all are done. Only where
    // has_parts().
    virtual bool has_parts() const { return false; }
    virtual void run_part(int, int) {}
    virtual void finish() {}
    virtual void each_pointer(const PointerVisitor&) {}
    virtual bool needs_python() const { return false; }
    virtual void each_options(const OptionsVisitor&) {}

    const double nanoseconds; // estimated
};

template <class A> void visit_pointers(A& argument, const PointerVisitor& visit) {
    if constexpr (std::is_pointer_v<A> && !std::is_function_v<std::remove_pointer_t<A>>) visit(&argument);
    else if constexpr (requires { argument.each_pointer(visit); }) argument.each_pointer(visit);
}

// A kernel function with arguments by value: numbers, pointers, or structs that offer each_pointer.
template <class Kernel, class... A> class KernelCommand final : public Command {
  public:
    KernelCommand(double nanoseconds, Kernel kernel, A... arguments)
        : Command(nanoseconds), kernel_(kernel), arguments_(std::move(arguments)...) {}

    const std::tuple<A...>& arguments() const { return arguments_; }

    void run() override { std::apply(kernel_, arguments_); }
    bool has_parts() const override { return partible; }
    void run_part(int i, int parts) override {
        if constexpr (partible) {
            auto mine = arguments_;
            if (take_part(std::get<0>(mine), i, parts)) std::apply(kernel_, mine);
        }
    }
    void each_pointer(const PointerVisitor& visit) override {
        std::apply([&](auto&... a) { (visit_pointers(a, visit), ...); }, arguments_);
    }
    void each_options(const OptionsVisitor& visit) override {
        std::apply([&](auto&... a) { (visit_options(a, visit), ...); }, arguments_);
    }

  private:
    static constexpr bool partible = [] {
        if constexpr (sizeof...(A) == 1) return requires(std::tuple<A...> a) { take_part(std::get<0>(a), 0, 1); };
        else return false;
    }();

    template <class Argument> static void visit_options(Argument& a, const OptionsVisitor& visit) {
        if constexpr (requires { a.options; }) visit(&a.options, sizeof a.options);
    }

    Kernel kernel_;
    std::tuple<A...> arguments_;
};

} // namespace fastgrad

// Commands that are run together: every thread runs its part of each of them, one after the other, with no waiting in
// between. For commands that cut a batch alike, so that a thread's rows stay in its cache from layer to layer, or that
// do not depend on each other.
#pragma once

#include <memory>
#include <vector>

#include "../cpu/threads.hpp"
#include "command.hpp"

namespace fastgrad {

class Team final : public Command {
  public:
    explicit Team(std::vector<std::unique_ptr<Command>> members)
        : Command(sum(members)), members_(std::move(members)) {}

    void run() override {
        const int parts = tasks_for(nanoseconds);
        if (parts == 1) {
            for (const auto& member : members_) member->run();
            return;
        }
        for (const auto& member : members_) // checks of values come first
            if (!member->has_parts()) member->run();
        parallel_for(parts, [&](int i) {
            const Alone alone;
            for (const auto& member : members_)
                if (member->has_parts()) member->run_part(i, parts);
        });
        for (const auto& member : members_) member->finish();
    }
    void each_pointer(const PointerVisitor& visit) override {
        for (const auto& member : members_) member->each_pointer(visit);
    }

  private:
    static double sum(const std::vector<std::unique_ptr<Command>>& members) {
        double total = 0;
        for (const auto& member : members) total += member->nanoseconds;
        return total;
    }

    std::vector<std::unique_ptr<Command>> members_;
};

} // namespace fastgrad

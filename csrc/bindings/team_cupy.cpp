// Commands of a GPU's program that run together: as one kernel that keeps rows of a small network on the chip, where
// they are of that kind.
#include "array_cupy.hpp"

#include "../cuda/resident.hpp"

#include <algorithm>
#include <iterator>

namespace fastgrad {
namespace {

// The struct of a command's kernel, if it is the one.
template <class L> const L* arguments_of(const Command& command) {
    const auto* found = dynamic_cast<const KernelCommand<Named<void (*)(const L&)>, L>*>(&command);
    return found ? &std::get<0>(found->arguments()) : nullptr;
}
template <class T> const auto* derivative_of(const Command& command) {
    using Kernel = void (*)(T*, const T*, const T*, Size, const BoundActivation&);
    return dynamic_cast<const KernelCommand<Named<Kernel>, T*, const T*, const T*, Size, BoundActivation>*>(&command);
}

class Team final : public Command {
  public:
    Team(std::vector<std::unique_ptr<Command>> members, const std::vector<const void*>& kept)
        : Command(0), members_(std::move(members)),
          is_needed_([kept](const void* p) { return std::find(kept.begin(), kept.end(), p) != kept.end(); }) {}

    void run() override {
        if (runs_as_one<float>() || runs_as_one<double>()) return;
        for (const auto& member : members_) member->run();
    }
    void each_pointer(const PointerVisitor& visit) override {
        for (const auto& member : members_) member->each_pointer(visit);
    }
    void each_options(const OptionsVisitor& visit) override {
        for (const auto& member : members_) member->each_options(visit);
    }

  private:
    template <class T> bool runs_as_one() {
        using namespace cuda;
        std::vector<Stage<T>> stages;
        std::vector<std::unique_ptr<ActivationBackward<T>>> derivatives;
        std::vector<Command*> others; // checks of values: they come first
        for (const auto& member : members_) {
            const Command& c = *member;
            if (const auto* found = derivative_of<T>(c)) {
                const auto& [dx, dy, saved, n, activation] = found->arguments();
                derivatives.push_back(
                    std::make_unique<ActivationBackward<T>>(ActivationBackward<T>{dx, dy, saved, n, activation}));
                stages.push_back(derivatives.back().get());
            } else if (!add_if<LinearForward<T>, LinearGradInput<T>, CrossEntropy<T>, PointwiseLoss<T>, LinearSgd<T>,
                               LinearAdam<T>>(stages, c)) {
                others.push_back(member.get());
            }
        }
        if (stages.empty() || !fits_resident(stages, is_needed_)) return false;
        for (Command* other : others) other->run();
        call.kernel = "a chain of layers";
        run_resident(stages, is_needed_);
        return true;
    }
    template <class... L, class Stages> static bool add_if(Stages& stages, const Command& command) {
        const auto add = [&](const auto* found) {
            if (found) stages.push_back(found);
            return found != nullptr;
        };
        return (add(arguments_of<L>(command)) || ...);
    }

    std::vector<std::unique_ptr<Command>> members_;
    cuda::IsNeeded is_needed_;
};

} // namespace

void Program::team(std::size_t begin, std::size_t end, const std::vector<const void*>& kept) {
    replace(begin, end, [&](auto members) { return std::make_unique<Team>(std::move(members), kept); });
}

} // namespace fastgrad

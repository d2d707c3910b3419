// The updates at the end of a chain of layers: every parameter with the rule of its own options.
#pragma once

#include "resident_program.hpp"
#include "rules.hpp"

namespace fastgrad::cuda {

// One for each w and b, made by a thread each and then used by all.
template <class T> struct ResidentRules {
    union Rule {
        SgdRule<Vec<T>> sgd;
        AdamRule<Vec<T>> adam;
    };
    unsigned char rules[2 * most_updates][(sizeof(Rule) + 15) / 16 * 16];

    // A barrier has to follow.
    __device__ void make(const ResidentUpdates<T>& updates) {
        const int i = int(threadIdx.x);
        if (i >= 2 * updates.count) return;
        const auto& layer = updates.layers[i / 2];
        const std::int64_t step = i % 2 ? layer.b.step : layer.w.step;
        if (layer.is_adam) {
            const Adam<T> s{nullptr, nullptr, nullptr, nullptr, nullptr, 0, step};
            put(i, rule_of<T>(layer.adam.get(), s));
        } else {
            put(i, rule_of<T>(layer.sgd.get(), Sgd<T>{}));
        }
    }
    // A step of the parameter that gradient number `at` is of.
    __device__ void apply(const ResidentUpdates<T>& updates, int at, T gradient) const {
        int i = 0;
        while (i + 1 < updates.count && updates.layers[i + 1].begin <= at) ++i;
        const auto& layer = updates.layers[i];
        at -= layer.begin;
        const bool is_b = at >= layer.n * layer.k;
        if (is_b) at -= layer.n * layer.k;
        const Updated<T>& u = is_b ? layer.b : layer.w;
        if (layer.is_adam) {
            const Adam<T> s{u.p, u.state[0], u.state[1], u.state[2], nullptr, 0, 0};
            apply_vector<T>(rule<AdamRule<Vec<T>>>(2 * i + is_b), s, at, Vec<T>(gradient), Whole());
        } else {
            const Sgd<T> s{u.p, u.state[0], nullptr, 0, u.first};
            apply_vector<T>(rule<SgdRule<Vec<T>>>(2 * i + is_b), s, at, Vec<T>(gradient), Whole());
        }
    }

  private:
    template <class R> __device__ void put(int i, const R& rule) { memcpy(rules[i], &rule, sizeof rule); }
    template <class R> __device__ R rule(int i) const {
        R r;
        memcpy(&r, rules[i], sizeof r);
        return r;
    }
};

} // namespace fastgrad::cuda

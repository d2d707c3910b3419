// Every value that a stage makes gets a row buffer for as long as it is read; memory that several of them share (a
// program reuses it, a loss may overwrite its scores) does not matter, as values are told apart by who made them last.
#include "resident_plan.hpp"

#include <algorithm>
#include <limits>
#include <type_traits>

namespace fastgrad::cuda {
namespace {

template <class T> struct Value {
    View<T> memory; // where the stages say that it is
    Size width;
    bool is_made;                                           // by a stage; otherwise it is loaded
    int first = std::numeric_limits<int>::max(), last = -1; // operations that use its buffer
    int place = 0;
};

template <class T> class Planner {
  public:
    explicit Planner(const IsNeeded& is_needed) : is_needed_(is_needed) {}

    bool add(const LinearForward<T>& l) {
        if (!rows_are(l.m) || l.n > widest_layer || !is_view(l.w) || !is_outside(l.w.p) || !is_outside(l.b))
            return false;
        const int x = value(l.x, l.k), z = make(l.z ? l.z : l.y, l.n);
        if (x < 0 || (l.z && l.activation.index < 0)) return false;
        Operation<T> o = operation(Operation<T>::multiply, l.n, l.k, z, x);
        set_memory(o, l.w);
        o.b = l.b;
        operations_.push_back(o);
        row_work_ += double(l.n) * double(l.k);
        const int y = l.z ? make(l.y, l.n) : z;
        if (l.activation.index >= 0) add_activation(Operation<T>::activate, l.n, y, z, l.activation);
        return true;
    }
    bool add(const LinearGradInput<T>& l) {
        if (!rows_are(l.m) || l.n > widest_layer || !is_view(l.w) || !is_outside(l.w.p)) return false;
        const int dz = value({l.dz, l.n, 1}, l.n);
        const bool derives = l.saved && l.activation.index >= 0 && l.activation.reads != Reads::nothing;
        const int saved = derives ? value({l.saved, l.k, 1}, l.k) : 0;
        if (dz < 0 || saved < 0) return false;
        const int dx = make(l.dx, l.k);
        Operation<T> o = operation(Operation<T>::multiply, l.k, l.n, dx, dz);
        set_memory(o, l.w.transposed());
        o.b = nullptr;
        operations_.push_back(o);
        row_work_ += double(l.n) * double(l.k);
        if (derives) add_activation(Operation<T>::derive, l.k, dx, saved, l.activation);
        return true;
    }
    bool add(const ActivationBackward<T>& l) {
        if (m_ == 0 || l.n % m_ != 0 || l.n / m_ > widest_layer || l.activation.index < 0) return false;
        const Size n = l.n / m_;
        const int dy = value({l.dy, n, 1}, n), saved = value({l.saved, n, 1}, n);
        if (dy < 0 || saved < 0) return false;
        const int dx = make(l.dx, n);
        add_activation(Operation<T>::activate, n, dx, dy, {}); // a copy
        add_activation(Operation<T>::derive, n, dx, saved, l.activation);
        return true;
    }
    bool add(const CrossEntropy<T>& l) {
        if (!rows_are(l.n) || l.c > widest_layer || !is_outside(l.index) || !is_outside(l.probability) ||
            !is_outside(l.weight))
            return false;
        plan_.program.classes = l;
        return add_loss(ResidentLoss::classes, l, l.c);
    }
    bool add(const PointwiseLoss<T>& l) {
        const bool is_known = is_outside(l.target) && is_outside(l.weight) && is_outside(l.pos_weight);
        if (m_ == 0 || l.n % m_ != 0 || !is_known) return false;
        plan_.program.pointwise = l;
        return add_loss(ResidentLoss::pointwise, l, l.n / m_);
    }
    bool add(const LinearSgd<T>& l) {
        return add_update(l, [](const Sgd<T>& s) { return Updated<T>{s.p, {s.momentum_buffer}, 0, s.first}; });
    }
    bool add(const LinearAdam<T>& l) {
        return add_update(l, [](const Adam<T>& s) {
            return Updated<T>{s.p, {s.exp_avg, s.exp_avg_sq, s.max_exp_avg_sq}, s.step, false};
        });
    }

    std::optional<ResidentPlan<T>> finish() {
        drop_unread();
        if (!add_stores() || operations_.empty() || operations_.size() > most_operations) return {};
        place();
        ResidentProgram<T>& program = plan_.program;
        program.m = m_, program.count = int(operations_.size());
        for (std::size_t i = 0; i < operations_.size(); ++i) {
            Operation<T> o = operations_[i];
            if (o.to >= 0) o.to = values_[std::size_t(o.to)].place;
            if (o.from >= 0) o.from = values_[std::size_t(o.from)].place;
            program.operations[i] = o;
        }
        plan_.row_work = row_work_;
        return plan_;
    }

  private:
    bool rows_are(Size m) {
        if (m_ == 0) m_ = m;
        return m > 0 && m == m_;
    }
    static bool is_view(const View<T>& v) {
        constexpr Size most = std::numeric_limits<int>::max();
        return v.rows >= 0 && v.columns >= 0 && v.rows <= most && v.columns <= most;
    }
    Value<T>& at(int i) { return values_[std::size_t(i)]; }
    const T* end_of(const View<T>& v, Size width) const {
        return v.p + (m_ - 1) * v.rows + (width - 1) * v.columns + 1;
    }
    bool overlaps(const Value<T>& v, const void* begin, const void* end) const {
        return static_cast<const void*>(v.memory.p) < end &&
               begin < static_cast<const void*>(end_of(v.memory, v.width));
    }
    // Whether no stage so far has written to it, so that a kernel may read it from memory.
    bool is_outside(const void* p) const {
        if (!p) return true;
        for (const void* updated : updated_)
            if (updated == p) return false;
        return std::none_of(values_.begin(), values_.end(), [&](const Value<T>& v) {
            return v.is_made && overlaps(v, p, static_cast<const char*>(p) + 1);
        });
    }
    bool same(const View<T>& a, const View<T>& b, Size width) const {
        return a.p == b.p && (a.rows == b.rows || m_ == 1) && (a.columns == b.columns || width == 1);
    }
    // The value that a stage reads: made by one before, or loaded here for the first time. -1 if it is neither.
    int value(const View<T>& x, Size width) {
        if (width < 1 || width > std::numeric_limits<int>::max() / 2 || !is_view(x)) return -1;
        for (int i = int(values_.size()) - 1; i >= 0; --i) {
            const Value<T>& v = at(i);
            if (v.width == width && same(v.memory, x, width)) return i;
            if (v.is_made && overlaps(v, x.p, end_of(x, width))) return -1;
        }
        values_.push_back({x, width, false});
        const int i = int(values_.size()) - 1;
        Operation<T> o = operation(Operation<T>::load, 0, width, i, -1);
        set_memory(o, x);
        operations_.push_back(o);
        return i;
    }
    int make(const T* p, Size width) {
        values_.push_back({{p, width, 1}, width, true});
        return int(values_.size()) - 1;
    }
    static Operation<T> operation(typename Operation<T>::Kind kind, Size n, Size k, int to, int from) {
        Operation<T> o{};
        o.kind = kind, o.n = int(n), o.k = int(k), o.to = to, o.from = from;
        return o;
    }
    static void set_memory(Operation<T>& o, const View<T>& v) {
        o.memory = const_cast<T*>(v.p); // only `store` writes
        o.rows = int(v.rows), o.columns = int(v.columns);
    }
    void add_activation(typename Operation<T>::Kind kind, Size n, int to, int from, const BoundActivation& f) {
        Operation<T> o = operation(kind, n, 0, to, from);
        o.number = std::int16_t(f.index), o.reads = std::int8_t(f.reads), o.parameters = f.parameters;
        operations_.push_back(o);
    }
    bool add_loss(ResidentLoss kind, const auto& l, Size width) {
        const int x = value({l.x, width, 1}, width);
        ResidentProgram<T>& program = plan_.program;
        if (x < 0 || width > widest_layer || program.loss != ResidentLoss::none) return false;
        program.loss = kind;
        program.loss_value = l.reduction == Reduction::none ? nullptr : l.loss;
        operations_.push_back(operation(Operation<T>::loss, width, 0, l.dx ? make(l.dx, width) : -1, x));
        return true;
    }
    bool add_update(const auto& l, const auto& updated) {
        ResidentUpdates<T>& updates = plan_.updates;
        if (!rows_are(l.m) || l.n > widest_layer || updates.count == most_updates) return false;
        if (!is_outside(l.w.p) || !is_outside(l.b.p)) return false; // or two layers share it
        const int dz = value({l.dz, l.n, 1}, l.n), x = value(l.x, l.k);
        if (dz < 0 || x < 0) return false;
        auto& layer = updates.layers[updates.count];
        layer.w = updated(l.w), layer.b = updated(l.b);
        layer.transposed = l.transposed, layer.is_adam = std::is_same_v<decltype(l.w), Adam<T>>;
        layer.n = int(l.n), layer.k = int(l.k), layer.begin = updates.total;
        updates.total += int(l.n * l.k + (l.b.p ? l.n : 0));
        Operation<T> o = operation(Operation<T>::update, l.n, l.k, dz, x);
        o.number = std::int16_t(updates.count++);
        operations_.push_back(o);
        updated_.push_back(l.w.p), updated_.push_back(l.b.p);
        row_work_ += double(l.n) * double(l.k);
        return true;
    }

    bool is_stored(int i) const {
        const Value<T>& v = values_[std::size_t(i)];
        if (!v.is_made || !is_needed_(v.memory.p)) return false;
        for (std::size_t later = std::size_t(i) + 1; later < values_.size(); ++later)
            if (values_[later].is_made && values_[later].memory.p == v.memory.p) return false;
        return true;
    }
    // A value that only the next operation wants, for an activation or a copy, is made where that puts its result.
    void drop_unread() {
        for (std::size_t i = 1; i < operations_.size(); ++i) {
            const Operation<T>& o = operations_[i];
            const Operation<T>& before = operations_[i - 1];
            const bool makes_it =
                before.to == o.from && (before.kind == Operation<T>::multiply || before.kind == Operation<T>::loss);
            if (o.kind != Operation<T>::activate || o.to == o.from || !makes_it) continue;
            const auto uses = std::count_if(operations_.begin(), operations_.end(), [&](const Operation<T>& other) {
                return other.from == o.from || (other.kind == Operation<T>::update && other.to == o.from);
            });
            if (uses == 1 && !is_stored(o.from)) operations_[i - 1].to = operations_[i].from = o.to;
        }
        std::erase_if(operations_, [](const Operation<T>& o) {
            return o.kind == Operation<T>::activate && o.number < 0 && o.to == o.from;
        });
    }
    // Stores what is needed outside, as soon as it is finished; not if that might be read by a block that is not as
    // far.
    bool add_stores() {
        std::vector<Operation<T>> all;
        for (std::size_t i = 0; i < operations_.size(); ++i) {
            const Operation<T>& o = operations_[i];
            all.push_back(o);
            const bool makes = o.kind == Operation<T>::multiply || o.kind == Operation<T>::activate ||
                               o.kind == Operation<T>::derive || o.kind == Operation<T>::loss;
            if (!makes || o.to < 0 || !is_stored(o.to)) continue;
            const bool goes_on = i + 1 < operations_.size() && operations_[i + 1].to == o.to &&
                                 operations_[i + 1].kind != Operation<T>::update;
            if (goes_on) continue;
            const Value<T>& made = at(o.to);
            for (const Value<T>& v : values_)
                if (!v.is_made && !(v.width == made.width && same(v.memory, made.memory, v.width)) &&
                    overlaps(v, made.memory.p, end_of(made.memory, made.width)))
                    return false;
            Operation<T> store = operation(Operation<T>::store, made.width, 0, -1, o.to);
            set_memory(store, made.memory);
            all.push_back(store);
        }
        operations_ = std::move(all);
        return true;
    }
    // Buffers that do not live at the same time share places.
    void place() {
        for (int i = 0; i < int(operations_.size()); ++i) {
            const auto use = [&](int value) {
                if (value >= 0) at(value).first = std::min(at(value).first, i), at(value).last = i;
            };
            use(operations_[std::size_t(i)].to), use(operations_[std::size_t(i)].from);
        }
        std::vector<const Value<T>*> placed;
        for (Value<T>& v : values_) {
            if (v.last < 0) continue;
            const auto is_free = [&](int place) {
                return std::none_of(placed.begin(), placed.end(), [&](const Value<T>* other) {
                    return other->first <= v.last && v.first <= other->last &&
                           other->place < place + row_stride(int(v.width)) &&
                           place < other->place + row_stride(int(other->width));
                });
            };
            int best = std::numeric_limits<int>::max();
            if (is_free(0)) best = 0;
            for (const Value<T>* other : placed)
                if (const int behind = other->place + row_stride(int(other->width)); behind < best && is_free(behind))
                    best = behind;
            v.place = best;
            placed.push_back(&v);
            plan_.row_numbers = std::max(plan_.row_numbers, best + row_stride(int(v.width)));
        }
    }

    const IsNeeded& is_needed_;
    Size m_ = 0;
    std::vector<Value<T>> values_;
    std::vector<Operation<T>> operations_; // `to` and `from` are numbers of values
    std::vector<const void*> updated_;
    ResidentPlan<T> plan_{};
    double row_work_ = 0;
};

} // namespace

template <class T>
std::optional<ResidentPlan<T>> plan_resident(const std::vector<Stage<T>>& stages, const IsNeeded& is_needed) {
    Planner<T> planner(is_needed);
    for (const Stage<T>& stage : stages)
        if (!std::visit([&](const auto* l) { return planner.add(*l); }, stage)) return {};
    return planner.finish();
}

template std::optional<ResidentPlan<float>> plan_resident(const std::vector<Stage<float>>&, const IsNeeded&);
template std::optional<ResidentPlan<double>> plan_resident(const std::vector<Stage<double>>&, const IsNeeded&);

} // namespace fastgrad::cuda

// What the modules of both devices share: it belongs to _cpu, which hands it out as a capsule.
#pragma once

namespace fastgrad {

struct Shared {
    static constexpr const char* name = "fastgrad.Shared";
    long modules_changed = 0; // changes of any module and any hook
};
Shared& shared();

} // namespace fastgrad

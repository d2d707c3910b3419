#include "cpus.hpp"

#include <cerrno>
#include <cmath>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <sched.h>

namespace fastgrad {
namespace {

// A hierarchy of control groups: version 2 has one, version 1 one per controller.
struct Hierarchy {
    bool v2;
    std::string group; // of this process, from the hierarchy's root
};

bool has_word(const std::string& list, const std::string& word) {
    return ("," + list + ",").find("," + word + ",") != std::string::npos;
}

// Lines of /proc/self/cgroup: number ':' controllers ':' group; version 2 has number 0 and no controllers.
std::vector<Hierarchy> hierarchies(const std::string& root) {
    std::vector<Hierarchy> found;
    std::ifstream file(root + "/proc/self/cgroup");
    for (std::string line; std::getline(file, line);) {
        const auto first = line.find(':'), second = line.find(':', first + 1);
        if (first == std::string::npos || second == std::string::npos) continue;
        const std::string controllers = line.substr(first + 1, second - first - 1);
        if (controllers.empty() || has_word(controllers, "cpu"))
            found.push_back({controllers.empty(), line.substr(second + 1)});
    }
    return found;
}

// mountinfo writes a space, tab, newline or backslash as a backslash and three octal digits.
std::string unescaped(const std::string& text) {
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i)
        if (text[i] == '\\' && i + 3 < text.size()) {
            plain += char((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
            i += 3;
        } else plain += text[i];
    return plain;
}

// Where the hierarchy is mounted, and which of its groups is seen there.
struct Mount {
    std::string place, group;
};

// Lines of /proc/self/mountinfo: id parent device root place options [tags] - type source super-options.
std::vector<Mount> mounts(const std::string& root, bool v2) {
    std::vector<Mount> found;
    std::ifstream file(root + "/proc/self/mountinfo");
    for (std::string line; std::getline(file, line);) {
        const auto dash = line.find(" - ");
        if (dash == std::string::npos) continue;
        std::string id, parent, device, group, place, type, source, options;
        std::istringstream(line.substr(0, dash)) >> id >> parent >> device >> group >> place;
        std::istringstream(line.substr(dash + 3)) >> type >> source >> options;
        if (v2 ? type == "cgroup2" : type == "cgroup" && has_word(options, "cpu"))
            found.push_back({unescaped(place), unescaped(group)});
    }
    return found;
}

double quota_of(const std::string& folder, bool v2) {
    double quota = 0, period = 0;
    if (v2) std::ifstream(folder + "/cpu.max") >> quota >> period; // "max 100000" without a quota: no number
    else {
        std::ifstream(folder + "/cpu.cfs_quota_us") >> quota; // -1 without a quota
        std::ifstream(folder + "/cpu.cfs_period_us") >> period;
    }
    return quota > 0 && period > 0 ? quota / period : 0;
}

} // namespace

int cgroup_cpus(const std::string& root) {
    double least = 0;
    for (const Hierarchy& h : hierarchies(root))
        for (const Mount& mount : mounts(root, h.v2)) {
            // a container may see its own group alone, mounted as if it were the root
            std::string below = h.group;
            if (mount.group != "/") {
                const bool inside = below == mount.group || below.rfind(mount.group + "/", 0) == 0;
                below = inside ? below.substr(mount.group.size()) : "";
            }
            while (!below.empty() && below.back() == '/') below.pop_back();
            for (;;) {
                const double quota = quota_of(root + mount.place + below, h.v2);
                if (quota > 0 && (least == 0 || quota < least)) least = quota;
                if (below.empty()) break;
                const auto slash = below.rfind('/');
                below.resize(slash == std::string::npos ? 0 : slash);
            }
        }
    return int(std::ceil(least));
}

int usable_cpus() {
    int usable = 0;
    for (int most = CPU_SETSIZE; most <= 1 << 20; most *= 2) { // EINVAL: the machine has more processors
        cpu_set_t* set = CPU_ALLOC(std::size_t(most));
        if (!set) break;
        const std::size_t bytes = CPU_ALLOC_SIZE(std::size_t(most));
        const bool good = sched_getaffinity(0, bytes, set) == 0;
        const bool again = !good && errno == EINVAL;
        if (good) usable = CPU_COUNT_S(bytes, set);
        CPU_FREE(set);
        if (!again) break;
    }
    if (usable == 0) usable = int(std::thread::hardware_concurrency());
    const int quota = cgroup_cpus("");
    if (quota > 0 && quota < usable) usable = quota;
    return usable > 0 ? usable : 1;
}

} // namespace fastgrad

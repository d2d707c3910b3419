// How many processors this process may use.
#pragma once

#include <string>

namespace fastgrad {

// By its affinity and by the quotas of its control groups, rounded up; at least 1.
int usable_cpus();

// What the quotas of this process's control groups pay for, the tightest of the group and those around it, in
// processors rounded up; 0 without a quota. `root` stands before /proc and the places where the groups are mounted.
int cgroup_cpus(const std::string& root);

} // namespace fastgrad

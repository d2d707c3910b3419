#!/usr/bin/env bash
# Compiles the kernels for 64-bit ARM and checks them under emulation.
# On Debian: apt install g++-aarch64-linux-gnu qemu-user
set -euo pipefail
cd "$(dirname "$0")/.."
target=$(mktemp -d)
trap 'rm -rf "$target"' EXIT
flags="-std=c++20 -O3 -Wall -Wextra -ffp-contract=off -fno-math-errno -fno-trapping-math -static"
aarch64-linux-gnu-g++ $flags -DFASTGRAD_SET=neon -c csrc/cpu/kernels.cpp -o "$target/neon.o"
aarch64-linux-gnu-g++ $flags tests/native/check_kernels.cpp csrc/cpu/dispatch.cpp csrc/cpu/threads.cpp csrc/cpu/cpus.cpp "$target/neon.o" \
  -pthread -o "$target/check"
qemu-aarch64 "$target/check"

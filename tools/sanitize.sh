#!/usr/bin/env bash
# Builds the extensions with AddressSanitizer and UndefinedBehaviorSanitizer outside the tree and runs the tests of
# kernels and tape on them; other tests as arguments. Needs a virtual environment at .venv with the test extra.
set -euo pipefail
cd "$(dirname "$0")/.."
python=$PWD/.venv/bin/python
target=$(mktemp -d)
trap 'rm -rf "$target"' EXIT

"$python" -m pip install -q --no-deps --target "$target" --config-settings cmake.define.FASTGRAD_SANITIZE=ON \
  --config-settings cmake.define.FASTGRAD_CUDA=OFF \
  --config-settings cmake.build-type=RelWithDebInfo --config-settings build-dir="$target/build" --config-settings install.strip=false .
compiler=${CXX:-c++}
export LD_PRELOAD="$("$compiler" -print-file-name=libasan.so):$("$compiler" -print-file-name=libubsan.so):$("$compiler" -print-file-name=libstdc++.so.6)"
# CPython keeps what it allocates at start-up: leaks are not what is looked for
export ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1 PYTHONPATH=$target
"$python" -c "from fastgrad import _cpu; assert _cpu.__file__.startswith('$target'), f'{_cpu.__file__} is tested instead: .venv has an editable install'"
[ $# -gt 0 ] || set -- tests/kernels tests/test_tape.py tests/test_autograd*.py
"$python" -m pytest -q -p no:cacheprovider -o addopts="" "$@"

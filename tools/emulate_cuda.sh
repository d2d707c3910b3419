#!/usr/bin/env bash
# Compiles the kernels for GPUs for the processor, and runs their tests there; other tests as arguments. Needs a virtual
# environment at .venv with the test extra. CUDA_ON_CPU_SEED=n draws another order of threads,
# CUDA_ON_CPU_MULTIPROCESSORS=n is another size of GPU.
set -euo pipefail
cd "$(dirname "$0")/.."
python=$PWD/.venv/bin/python
target=$(mktemp -d)
trap 'rm -rf "$target"' EXIT

"$python" -m pip install -q --no-deps --target "$target" --config-settings cmake.define.FASTGRAD_CUDA=EMULATE \
  --config-settings build-dir="$target/build" --config-settings build.targets=_cuda --config-settings install.components=cuda .
export FASTGRAD_EMULATED_CUDA=$(echo "$target"/fastgrad/_cuda.*)
pytest() { "$python" -m pytest -q -p no:cacheprovider -o addopts="-ra" "$@"; }
if [ $# -gt 0 ]; then
  pytest "$@"
else
  pytest tests/cuda
  # other tiles, and more products in parts
  CUDA_ON_CPU_MULTIPROCESSORS=132 pytest tests/cuda/kernels/test_products.py tests/cuda/kernels/test_precision.py
fi

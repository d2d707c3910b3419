#!/usr/bin/env bash
# Builds fastgrad for the GPU of this machine, tests it, looks for wrong accesses and races in its kernels, and measures
# it beside torch. Needs a driver, nvcc and Python with torch and cupy, and no network if Python also has scikit-build-core,
# pybind11, numpy and pytest.
#
#   bench/gpu.sh                   everything
#   bench/gpu.sh build test        some stages: build test sanitize table
#
# A stage that fails does not stop the others, but the exit status is 1; without a GPU it is 2. Logs, tables and figures
# are left in $OUT, or else in build/gpu/results. LIMIT_BUILD, LIMIT_TEST, LIMIT_SANITIZE and LIMIT_TABLE are the seconds
# that a stage may take, and what those before it have left over; PYTHON is the interpreter, CUDAARCHS what to compile
# for, ONLY the rows of the table.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH=$PATH:/usr/local/cuda/bin:/usr/local/nvidia/bin

stages=(build test sanitize table)
python=${PYTHON:-python3}
venv=$PWD/build/gpu/venv
results=${OUT:-$PWD/build/gpu/results}
declare -A limits=([build]=${LIMIT_BUILD:-140} [test]=${LIMIT_TEST:-120} [sanitize]=${LIMIT_SANITIZE:-80}
  [table]=${LIMIT_TABLE:-230})
# what compilers have made stays for the next time
export CUPY_CACHE_DIR=$PWD/build/gpu/cupy TORCHINDUCTOR_CACHE_DIR=$PWD/build/gpu/inductor

# A few instances of every kind of kernel: the tools make them many times slower.
few='float32 and (tanh and (size1 or size4 or size5) or test_matmul or test_activations or test_adam or test_embedding
  or test_sgd and True-0.9 or test_updates and size1 or test_prelu or test_dropout and 1000 or test_gather or test_copies
  or test_chains or test_softmax and size3 or test_cross_entropy and mean and size3 and 0.1 or test_pointwise and mean)
  or test_precision and (test_large_tiles and size0 or test_matmul and (CC or FF) and (size5 or size8 or size10))
  or test_a_long_sum and float32 and 1100 or test_an_epoch_with_dropout and adam or test_a_large_batch_of_a_small'
few=${few//$'\n'/ }

# shellcheck disable=SC2329  # stages are called by their names
stage_build() {
  rm -rf "$venv"
  # pip comes from outside, which works where ensurepip is not installed; a virtual environment made in another one does
  # not see the other's packages by itself
  "$python" -m venv --without-pip --system-site-packages "$venv"
  local inside outside
  inside=$("$venv/bin/python" -c 'import site; print(site.getsitepackages()[0])')
  "$python" -c 'import site; print(*site.getsitepackages(), sep="\n")' > "$inside/outside.pth"
  while read -r outside; do # cupy looks for NVIDIA's libraries in the innermost one only
    if [ -d "$outside/nvidia" ] && [ ! -e "$inside/nvidia" ]; then ln -s "$outside/nvidia" "$inside/nvidia"; fi
  done < "$inside/outside.pth"
  local architecture what=('.[test,cuda13x]')
  architecture=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader | head -n 1 | tr -d .)
  if "$venv/bin/python" -c 'import cupy, numpy, pybind11, pytest, scikit_build_core, torch' 2> /dev/null; then
    what=(--no-build-isolation --no-deps --no-index .)
  fi
  export CUDAARCHS=${CUDAARCHS:-$architecture-real} CMAKE_BUILD_PARALLEL_LEVEL
  export CUDAFLAGS="${CUDAFLAGS:-} -lineinfo" # the sanitizers then name lines; the code is the same
  CMAKE_BUILD_PARALLEL_LEVEL=$(nproc)
  "$venv/bin/python" -m pip install --config-settings cmake.define.FASTGRAD_CUDA=ON \
    --config-settings build-dir=build/gpu/cmake --config-settings 'build.targets=all;check_resident' "${what[@]}"
  "$venv/bin/python" -c 'from fastgrad import _cuda; print(_cuda.build())'
}

# Seconds until this stage has to be done.
left() { echo $((LIMIT - SECONDS)); }

# Where CUDA cannot be used, tests would run on a stand-in and succeed: this says why instead, and fails. The sum needs
# cupy's compiler.
# shellcheck disable=SC2329
on_the_gpu() {
  "$venv/bin/python" -c 'import sys; from fastgrad.cuda import library; sys.exit(library.why_not())'
  "$venv/bin/python" -c '
import cupy; from fastgrad import _cuda; from fastgrad.cuda import library
library.cupy(); print("cupy", cupy.__version__, "computes", cupy.ones(1) + 1, "cuBLAS:", _cuda._has_library())'
}

# shellcheck disable=SC2329
stage_test() {
  on_the_gpu
  local options=(-q -p no:cacheprovider --tb=short) processors failed=0
  build/gpu/cmake/check_resident 100 || failed=1
  processors=$(nproc)
  if "$venv/bin/python" -c 'import xdist' 2> /dev/null; then options+=(-n $((processors < 12 ? processors : 12))); fi
  if "$venv/bin/python" -c 'import pytest_timeout' 2> /dev/null; then options+=(--timeout=60); fi
  # an interrupt in time, to see what has failed until then
  timeout --signal=INT --kill-after=8 $(($(left) - 15)) "$venv/bin/python" -m pytest "${options[@]}" tests/cuda || failed=$?
  return "$failed"
}

# shellcheck disable=SC2329
stage_sanitize() {
  on_the_gpu
  command -v compute-sanitizer > /dev/null || { echo "compute-sanitizer is not installed"; return 1; }
  local logs tool status tools=(memcheck racecheck initcheck synccheck) failed=0
  logs=$(mktemp -d)
  declare -A running statuses
  for tool in "${tools[@]}"; do # at the same time: most of it is the processor's work
    timeout --kill-after=2 $(($(left) - 8)) bash bench/gpu.sh --inside sanitize_by "$tool" > "$logs/$tool" 2>&1 &
    running[$tool]=$!
  done
  for tool in "${tools[@]}"; do
    status=0
    wait "${running[$tool]}" || status=$?
    statuses[$tool]=$status
    if [ "$status" -ne 0 ]; then
      failed=1
      printf '\n-- %s\n' "$tool"
      tail -n 100 "$logs/$tool"
    fi
  done
  for tool in "${tools[@]}"; do # 9: it has found something, 124: it had no time left
    printf '%-10s ended with %d: %s\n' "$tool" "${statuses[$tool]}" \
      "$(grep -hE 'SUMMARY: |^[0-9]+ (passed|failed)|failures$' "$logs/$tool" | tr '\n' ' ')"
  done
  rm -rf "$logs"
  return "$failed"
}

# By one of the tools.
# shellcheck disable=SC2329
stage_sanitize_by() {
  local watched=(compute-sanitizer --tool "$1" --error-exitcode 9 --print-limit 20)
  local failed=0
  "${watched[@]}" build/gpu/cmake/check_resident 6 || failed=$?
  FASTGRAD_NO_POOL=1 "${watched[@]}" "$venv/bin/python" -m pytest -q -p no:cacheprovider -k "$few" tests/cuda/kernels \
    tests/cuda/test_compile.py || failed=$?
  return "$failed"
}

# shellcheck disable=SC2329
stage_table() {
  local only=() status=0
  if [ -n "${ONLY:-}" ]; then only=(--only "$ONLY"); fi
  "$venv/bin/python" -m bench gpu "${only[@]}" --seconds $(($(left) - 65)) --json "$results/gpu.json" \
    > "$results/gpu.txt" || status=$?
  { echo '```text'; cat "$results/gpu.txt"; echo '```'; } > "$results/table.md"
  rm "$results/gpu.txt"
  cat "$results/table.md"
  return "$status"
}

if [ "${1:-}" = --inside ]; then # a process of its own, where a failing command ends the stage
  "stage_$2" "${@:3}"
  exit
fi
if [ $# -eq 0 ]; then set -- "${stages[@]}"; fi
for stage in "$@"; do
  [[ " ${stages[*]} " = *" $stage "* ]] || { echo "bench/gpu.sh: no stage '$stage', expected some of ${stages[*]}" >&2; exit 2; }
done
if [[ "$(nvidia-smi -L 2> /dev/null)" != GPU* ]]; then
  echo "bench/gpu.sh: there is no NVIDIA GPU here: nvidia-smi finds none" >&2
  exit 2
fi
mkdir -p "$results"
nvidia-smi
failed=0
summary=()
due=0
for stage in "$@"; do
  printf '\n== %s\n' "$stage"
  begin=$SECONDS
  due=$((due + limits[$stage]))
  outcome="done"
  export LIMIT=$((due - begin))
  PYTHONUNBUFFERED=1 timeout --kill-after=5 "$LIMIT" \
    bash bench/gpu.sh --inside "$stage" 2>&1 | tee "$results/$stage.log" || {
    outcome="failed with ${PIPESTATUS[0]}" # 124: took too long
    failed=1
  }
  summary+=("$(printf '%-10s %4d s  %s' "$stage" $((SECONDS - begin)) "$outcome")")
done
printf '\n== summary\n'
printf '%s\n' "${summary[@]}" | tee "$results/summary.log"
exit $failed

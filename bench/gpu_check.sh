#!/usr/bin/env bash
# Everything that only a machine with an NVIDIA GPU can show, in under ten minutes: one log, one summary and the results of the benchmarks.
# usage: bench/gpu_check.sh [FOLDER]; by default the files go to bench/results. convnet must be installed with its GPU library (`pip install ".[test]"`
# where nvcc is); peers take part if `python -m bench setup_peers pytorch-gpu keras-tensorflow-gpu keras-jax-gpu` made them or Python has them.
set -uo pipefail
cd "$(dirname "$0")/.."
folder=$(mkdir -p "${1:-bench/results}" && cd "${1:-bench/results}" && pwd)
log="$folder/check-gpu.log"
steps="$folder/.steps"
: > "$log"
: > "$steps"

# step NAME SECONDS COMMAND...: runs it within so many seconds.
step() {
  local name=$1 limit=$2 start=$SECONDS
  shift 2
  printf '\n== %s: %s\n' "$name" "$*" | tee -a "$log"
  timeout "$limit" "$@" >> "$log" 2>&1
  local status=$?
  printf '%s\t%d\t%d\n' "$name" "$status" "$((SECONDS - start))" >> "$steps"
  tail -n 3 "$log"
}

sanitized() {
  step "$1" 60 compute-sanitizer --tool "$1" --error-exitcode 9 --target-processes all python -m pytest -q -m cuda tests/ops -k "dense or pool or lstm"
}

step info 20 python -m convnet info
step kernels_and_models 120 python -m pytest -q -m cuda
CONVNET_DEVICE=gpu step suite 150 python -m pytest -q tests
if command -v compute-sanitizer > /dev/null; then
  sanitized memcheck
  sanitized racecheck
  sanitized initcheck
fi
CONVNET_DEVICE=gpu step mnist 60 python examples/mnist_cnn.py
step training 150 python -m bench compare --device gpu --mode training --quick --json "$folder/compare-gpu.json"
step kernels 100 python -m bench.kernels --device gpu --quick --json "$folder/kernels-gpu.json"

python - "$steps" "$folder/check-gpu.json" <<'END'
import json
import sys
import time

from convnet import _core

steps = [line.rstrip("\n").split("\t") for line in open(sys.argv[1])]
document = {
    "date": time.strftime("%Y-%m-%d"),
    "devices": _core.cuda_devices(),
    "steps": {name: {"status": int(rc), "seconds": int(s)} for name, rc, s in steps},
}
with open(sys.argv[2], "w") as file:
    json.dump(document, file, indent=1)
print(json.dumps(document, indent=1))
sys.exit(any(step["status"] for step in document["steps"].values()))
END
status=$?
rm -f "$steps"
exit $status

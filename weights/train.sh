#!/usr/bin/env bash
# Trains, exports, scores and files the released models, one after the other. What is filed is skipped, and what was
# interrupted goes on, so the same line may be given again and again:
#
#     weights/train.sh                                  # all systems, 5 minutes each: under two hours of one GPU in all
#     weights/train.sh --missing                        # says what each system still lacks, and does nothing
#     MINUTES=180 weights/train.sh residual-curriculum  # one model, one night of a CPU
#
# hue-s and residual-curriculum, which travel in the package, come first, then the cheapest. Each run folder gets a
# contact sheet of test photographs beside its scores. A file over 25 MB stays in the run folder: the repository takes
# its card, its configuration and its scores.
#
#   HUE_DATA_DIR     folder with data/train-*.tar, data/val.tar, data/test.tar and, for models that have an encoder,
#                    pretrained/ (default ../shared)
#   MINUTES          of training for each model, without reading, scoring and export (default 5)
#   MINUTES_name     the same for one model, hyphens as underscores: MINUTES_hue_s=10
#   DEVICE           auto, cpu or cuda (default auto)
#   MAX_GMAC         leave costlier systems out, unless they are named (default: 2 without a GPU; any with one)
#   TRAIN_OPTIONS    further options of `hue train`, for instance "--size 192"
#   TEST_LIMIT       score on so many photos of test.tar only, for a trial; nothing is filed then
#   RUNS, WEIGHTS    folders for runs and for filed models (default runs and weights)
set -euo pipefail
cd "$(dirname "$0")/.."

export HUE_DATA_DIR=${HUE_DATA_DIR:-../shared}
data=$HUE_DATA_DIR/data
runs=${RUNS:-runs}
weights=${WEIGHTS:-weights}
device=${DEVICE:-auto}
read -ra train_options <<<"${TRAIN_OPTIONS:-}"

if [[ -n ${HUE:-} ]]; then read -ra hue <<<"$HUE"
elif [[ -x .venv/bin/hue ]]; then hue=(.venv/bin/hue)
elif command -v hue >/dev/null; then hue=(hue)
else
  echo "weights/train.sh: hue is neither in .venv nor on the path. Install it (pip install -e '.[train]'), or name it: HUE=…" >&2
  exit 1
fi
if [[ -x .venv/bin/python ]]; then python=.venv/bin/python; else python=python3; fi

has_gpu() { [[ $device != cpu ]] && "$python" -c 'import sys, torch; sys.exit(not torch.cuda.is_available())'; }

queue() { # every system but those that hue-s is only compared with, in the order of the queue
  local most=${MAX_GMAC:-}
  if [[ -z $most ]]; then if has_gpu; then most=inf; else most=2; fi; fi
  "${hue[@]}" train --list --json | "$python" -c '
import json, sys
systems = {each["name"]: each["gmac"] for each in json.load(sys.stdin)["systems"]}
first = ["hue-s", "residual-curriculum"]
rest = sorted((name for name in systems if name not in first and not name.startswith("hue-s-")), key=systems.get)
print(*(name for name in first + rest if systems[name] <= float(sys.argv[1])))' "$most"
}

minutes_of() { # name → minutes
  local own=MINUTES_${1//-/_}
  echo "${!own:-${MINUTES:-5}}"
}

largest_file=25000000

is_filed() { [[ -f $weights/$1/config.json ]]; }
is_trained() { [[ -f $runs/$1/run.json ]] && grep -q '"finished": true' "$runs/$1/run.json"; }

train() {
  local name=$1 resume=()
  if [[ -f $runs/$name/state.safetensors ]]; then resume=(--resume); fi
  "${hue[@]}" train --model "$name" --dataset "$data"/train-*.tar --val "$data/val.tar" --max-minutes "$(minutes_of "$name")" \
    --device "$device" --output "$runs/$name" "${train_options[@]}" "${resume[@]}"
}

score() {
  local name=$1 limit=()
  if [[ -n ${TEST_LIMIT:-} ]]; then limit=(--limit "$TEST_LIMIT"); fi
  # Renamed when complete: half a report would be taken for a whole one.
  "${hue[@]}" eval --model "$runs/$name" --dataset "$data/test.tar" --raw --json --device "$device" "${limit[@]}" \
    >"$runs/$name/scores.json.part"
  mv "$runs/$name/scores.json.part" "$runs/$name/scores.json"
}

state_of() { # name → what it lacks
  if is_filed "$1"; then echo filed
  elif [[ -f $runs/$1/scores.json ]]; then echo "scored, not filed"
  elif is_trained "$1"; then echo "trained, not scored"
  elif [[ -f $runs/$1/state.safetensors ]]; then echo "interrupted"
  else echo "not begun"; fi
}

export_to() { # name, folder, options
  local name=$1 target=$2
  shift 2
  "${hue[@]}" export "$runs/$name" --precision auto --file-in "$target" --scores "$runs/$name/scores.json" "$@"
}

file_in() {
  local name=$1 aside=$runs/$1/filed options=()
  # These two travel in the package; the first is what a fresh install colorizes with.
  case $name in
    hue-s) options=(--bundle --default) ;;
    residual-curriculum) options=(--bundle) ;;
  esac
  export_to "$name" "$aside"
  if (($(stat -c %s "$aside/$name/model.onnx") <= largest_file)); then
    export_to "$name" "$weights" "${options[@]}"
    return
  fi
  cat >"$aside/$name/NOTES.md" <<EOF
Its file is too large for the repository, which has this card, its configuration and its scores: hue does not know it by its name. Train it with the
command below, write it with \`hue export\`, and give \`-m\` the file.
EOF
  export_to "$name" "$aside"
  mkdir -p "$weights/$name"
  cp "$aside/$name/README.md" "$aside/$name/config.json" "$weights/$name/"
  echo "$name: $aside/$name/model.onnx is too large for the repository; publish it with: hue models push"
}

if [[ ${1:-} == --missing ]]; then
  names=$(MAX_GMAC=${MAX_GMAC:-inf} queue)
  for name in $names; do printf '%-26s %s\n' "$name" "$(state_of "$name")"; done
  exit
fi
# A trial is kept apart: what it leaves must never be taken for a training, or its scores for the test set's.
if [[ -n ${TEST_LIMIT:-} ]]; then runs=$runs/trial; fi

models=("$@")
if [[ $# -eq 0 ]]; then names=$(queue); read -ra models <<<"$names"; fi

for name in "${models[@]}"; do
  if is_filed "$name"; then echo "$name: filed in $weights/$name; remove that folder to train it again"; continue; fi
  is_trained "$name" || train "$name"
  [[ -f $runs/$name/scores.json ]] || score "$name"
  [[ -f $runs/$name/contact-sheet.png ]] || "$python" scripts/contact_sheet.py "$runs/$name" "$data/test.tar"
  if [[ -n ${TEST_LIMIT:-} ]]; then echo "$name: trained and scored on $TEST_LIMIT photos; not filed"; continue; fi
  file_in "$name"
  if [[ $weights == weights ]]; then
    if [[ -f weights/$name/model.onnx ]]; then "$python" benchmarks/models.py "$name"; fi
    "$python" scripts/readme_models.py
    "$python" scripts/results.py
  fi
done

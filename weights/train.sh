#!/usr/bin/env bash
# Trains, exports, scores and files the released models, one after the other. What is filed is skipped, and what was
# interrupted goes on, so the same line may be given again and again:
#
#     weights/train.sh                                  # all models, 5 minutes each: 25 minutes of one GPU in all
#     MINUTES=180 weights/train.sh residual-curriculum  # one model, one night of a CPU
#
#   HUE_DATA_DIR     folder with data/train-*.tar, data/val.tar, data/test.tar and, for models that have an encoder,
#                    pretrained/ (default ../shared)
#   MINUTES          of training for each model, without reading, scoring and export (default 5)
#   MINUTES_name     the same for one model, hyphens as underscores: MINUTES_hue_s=10
#   DEVICE           auto, cpu or cuda (default auto)
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
models=("$@")
[[ $# -gt 0 ]] || models=(hue-s residual-curriculum residual cnn-curriculum)
read -ra train_options <<<"${TRAIN_OPTIONS:-}"

if [[ -n ${HUE:-} ]]; then read -ra hue <<<"$HUE"
elif [[ -x .venv/bin/hue ]]; then hue=(.venv/bin/hue)
else hue=(hue); fi
if [[ -x .venv/bin/python ]]; then python=.venv/bin/python; else python=python3; fi

minutes_of() { # name → minutes
  local own=MINUTES_${1//-/_}
  echo "${!own:-${MINUTES:-5}}"
}

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

for name in "${models[@]}"; do
  if is_filed "$name"; then echo "$name: filed in $weights/$name; remove that folder to train it again"; continue; fi
  is_trained "$name" || train "$name"
  [[ -f $runs/$name/scores.json ]] || score "$name"
  if [[ -n ${TEST_LIMIT:-} ]]; then echo "$name: trained and scored on $TEST_LIMIT photos; not filed"; continue; fi
  options=()
  # These two travel in the package; the first is what a fresh install colorizes with.
  case $name in
    hue-s) options=(--bundle --default) ;;
    residual-curriculum) options=(--bundle) ;;
  esac
  "${hue[@]}" export "$runs/$name" --precision auto --file-in "$weights" --scores "$runs/$name/scores.json" "${options[@]}"
  if [[ $weights == weights ]]; then "$python" scripts/readme_models.py; fi
done

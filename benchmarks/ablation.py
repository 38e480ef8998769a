"""What each choice in hue-s is worth, on validation photos: ``python benchmarks/ablation.py RUN… --val val.tar``.

Every row is set to the same share of the truth's colourfulness, so that one figure of fidelity can be compared. The
first run is also scored in other ways of use: network size, temperature, test-time flip, share of the colour. The
rows of trained variants are their run folders', for instance::

    for name in hue-s hue-s-scratch hue-s-regression hue-s-rebalanced; do
        hue train --model $name --dataset train.tar --val val.tar --max-minutes 7 --output runs/ablation/$name
    done
    python benchmarks/ablation.py runs/ablation/* --val val.tar
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from hue_cli.data.photo_set import PhotoSet
from hue_cli.models.colorizer import Colorizer
from hue_cli.models.trained import TrainedRun, read_run
from hue_cli.train.calibrate import Setting, collect, settle

TEMPERATURE, CEILING = 1.0, 80.0
"""What hue-s is used with; other rows differ from it in one thing."""


def row(name: str, setting: Setting) -> None:
    """Print one row of the table."""
    print(
        f"| {name} | {setting.cf_abs_share:.0%} | {setting.psnr_over_grey:+.2f} | {setting.delta_e_over_grey:+.2f} | "
        f"{setting.blobs:.2%} |",
        flush=True,
    )


def ways_of_use(colorizer: Colorizer, photos: PhotoSet, size: int, share: float) -> None:
    """Score one network used in different ways."""
    for side in (128, 160, 192, 224, 256):
        evidence = collect(colorizer, photos, side, [TEMPERATURE])
        row(f"network sees {side} pixels", settle(colorizer, evidence, TEMPERATURE, CEILING, share))
    evidence = collect(colorizer, photos, size, [TEMPERATURE], flip=True)
    row("mean with its mirror image", settle(colorizer, evidence, TEMPERATURE, CEILING, share))
    evidence = collect(colorizer, photos, size)
    for temperature in evidence.means:
        row(f"temperature {temperature:g}", settle(colorizer, evidence, temperature, CEILING, share))
    for ceiling in (45.0, 60.0, 110.0):
        row(f"ceiling {ceiling:g}", settle(colorizer, evidence, TEMPERATURE, ceiling, share))
    for bolder in (0.8, 0.9, 1.0, 1.05, 1.1, 1.15, 1.2):
        row("set to this share", settle(colorizer, evidence, TEMPERATURE, CEILING, bolder))


def trained(run: TrainedRun, photos: PhotoSet, share: float) -> None:
    """Score what a run trained, at its best temperature."""
    colorizer = run.load_colorizer()
    evidence = collect(colorizer, photos, run.recipe.size.size)
    settings = [settle(colorizer, evidence, temperature, CEILING, share) for temperature in evidence.means]
    best = max(settings, key=lambda setting: setting.psnr_over_grey)
    seen = run.facts.get("photos_seen", 0)
    row(f"{run.recipe.name}, {seen:,} photos seen, temperature {best.temperature:g}", best)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--val", required=True, type=Path)
    parser.add_argument("--limit", type=int, help="so many photos at most")
    parser.add_argument("--share", type=float, default=0.92, help="of the truth's colourfulness, the same for all rows")
    parser.add_argument("--use", action="store_true", help="score the first run in other ways of use too")
    arguments = parser.parse_args()
    runs = [read_run(path) for path in arguments.runs]
    photos = PhotoSet.load([arguments.val], short_side=256, device=torch.device("cpu"), limit=arguments.limit)
    print(f"{len(photos)} photos of {arguments.val.name}")
    print("| | of the colour | PSNR over grey (dB) | ΔE2000 over grey | blobs |\n|---|---:|---:|---:|---:|")
    for run in runs:
        trained(run, photos, arguments.share)
    if arguments.use:
        ways_of_use(runs[0].load_colorizer(), photos, runs[0].recipe.size.size, arguments.share)


if __name__ == "__main__":
    main()

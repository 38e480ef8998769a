"""Draws a run's pictures of photographs that it was not trained on: `python scripts/contact_sheet.py RUN PHOTOS`.

Writes RUN/contact-sheet.png, a row a photograph: grey, as used, as the network painted it, truth. The photographs
are other people's: the sheet is for looking at, not for the repository.
"""

import argparse
from pathlib import Path

import torch

from hue_cli.data.photo_set import PhotoSet
from hue_cli.models.trained import read_run
from hue_cli.train.record import draw_samples


def main() -> None:
    """Draw the sheet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--count", type=int, default=24)
    arguments = parser.parse_args()
    run = read_run(arguments.run)
    size = run.recipe.size.size
    cpu = torch.device("cpu")
    photos = PhotoSet.load([arguments.photos], short_side=size, device=cpu, limit=arguments.count)
    path = run.weights.with_name("contact-sheet.png")
    draw_samples(path, run.load_colorizer(), photos, size, limit=arguments.count)
    print(path)


if __name__ == "__main__":
    main()

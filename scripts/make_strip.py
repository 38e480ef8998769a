"""Draws docs/images/before-after.jpg, the README's picture: `python scripts/make_strip.py`.

The sample photographs above, the default model's pictures of them below. Run it again when the default model changes.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
HEIGHT = 240
GAP = 4


def scaled(path: Path) -> Image.Image:
    """Return the picture as RGB, at the strip's height."""
    with Image.open(path) as image:
        picture = image.convert("RGB")
    return picture.resize((round(picture.width * HEIGHT / picture.height), HEIGHT), Image.Resampling.LANCZOS)


def strip(rows: list[list[Image.Image]]) -> Image.Image:
    """Return the rows of pictures one below the other, with gaps between them."""
    widths = [sum(image.width for image in row) + GAP * (len(row) - 1) for row in rows]
    canvas = Image.new("RGB", (max(widths), (HEIGHT + GAP) * len(rows) - GAP), "white")
    for number, row in enumerate(rows):
        left = 0
        for image in row:
            canvas.paste(image, (left, number * (HEIGHT + GAP)))
            left += image.width + GAP
    return canvas


def main() -> None:
    """Colorize the samples with the installed hue and draw the strip."""
    samples = sorted(path for path in (ROOT / "samples").iterdir() if path.suffix in {".jpg", ".png"})
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "hue_cli", "colorize", *map(str, samples), "-o", folder, "--format", "png"]
        subprocess.run(command, check=True)
        colour = [scaled(Path(folder) / f"{path.stem}.png") for path in samples]
    target = ROOT / "docs" / "images" / "before-after.jpg"
    target.parent.mkdir(exist_ok=True)
    strip([[scaled(path) for path in samples], colour]).save(target, quality=88)
    print(target.relative_to(ROOT))


if __name__ == "__main__":
    main()

"""Photographs that are in colour already: left out of the run, or copied as they are."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from hue_cli.images.photo import Photo
from hue_cli.images.write import replacing
from hue_cli.infer.job import Job, Skip
from hue_cli.infer.steps import IfColour, Steps


def left_alone(job: Job, photo: Photo, steps: Steps) -> dict[str, Any]:
    """Copy a photograph where that is wanted; return what its row says.

    Raises:
        ImageError: the copy cannot be written.
    """
    height, width = photo.size
    facts = {"skip": Skip.COLOUR, "height": height, "width": width}
    if steps.settings.if_colour is IfColour.SKIP or job.keeps_output:
        return facts | {"message": "is in colour already; --if-color recolor gives it new colours"}
    target = _target(job, photo)
    if os.path.lexists(target) and (not job.overwrites or _is_same(target, job.source)):
        return facts | {"message": f"is in colour already, and {target} is there already"}
    facts |= {"output": target}
    with replacing(target, times_of=steps.times_of(job.source)) as stream, job.source.open("rb") as original:
        shutil.copyfileobj(original, stream)
    return facts | {"skip": Skip.COPIED, "message": f"is in colour already; copied as it is to {target}"}


def _target(job: Job, photo: Photo) -> Path:
    """Return the result's path, with the photograph's own extension where the result's names another format."""
    return job.output if job.output_format == photo.image_format else job.output.with_suffix(job.source.suffix)


def _is_same(target: Path, source: Path) -> bool:
    return target.exists() and target.samefile(source)

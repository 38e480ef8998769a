"""Photographs and results on the file systems of this machine, claimed against other runs of hue."""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator, Iterable
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import BinaryIO

from hue_cli.errors import ImageError
from hue_cli.images.read import count_pixels
from hue_cli.images.write import remove_stale_parts, replacing
from hue_cli.infer.claim import Claim, claim, remove_abandoned_claims
from hue_cli.infer.job import Job, Row, Skip, Status
from hue_cli.infer.steps import Steps
from hue_cli.infer.task import Task


class Disk:
    """What a run leaves behind on the way, and tidies up."""

    def __init__(self) -> None:
        # As little as will do of each folder, since there may be many: a number, and a name in place of a path.
        self._cleaned: set[int] = set()
        self._made: list[str] = []

    def tasks(self, plan: Iterable[Job | Row]) -> Generator[Task | Row]:
        """Yield a plan's steps as work that can be begun."""
        for step in plan:
            if step.output is not None:
                self._clean(Path(step.output).parent)
            yield step if isinstance(step, Row) else _DiskTask(step, self._made)

    def close(self) -> None:
        """Remove folders that were made in vain."""
        for folder in sorted(self._made, key=len, reverse=True):  # what lies in another has the longer name
            with suppress(OSError):  # most are not empty
                Path(folder).rmdir()

    def _clean(self, folder: Path) -> None:
        """Remove what killed runs left in a folder of results, once."""
        if hash(folder) not in self._cleaned:
            self._cleaned.add(hash(folder))
            remove_stale_parts(folder)
            remove_abandoned_claims(folder)


class _DiskTask(Task):
    def __init__(self, job: Job, made: list[str]) -> None:
        super().__init__(job.source, job.output, job.output_format, keeps_output=job.keeps_output)
        self._job = job
        self._made = made
        self._claim: Claim | None = None

    def begin(self) -> Row | None:
        """Claim the result, against other runs that come past the same photograph."""
        job = self._job
        try:
            held = claim(job.output, job.compare)
        except ImageError as error:
            return Row(source=job.source, output=job.output, status=Status.FAILED, message=str(error))
        if held is None:
            message = f"another run of hue is making {job.output}"
            return Row(source=job.source, output=job.output, status=Status.SKIPPED, skip=Skip.BUSY, message=message)
        if os.path.lexists(job.output) and not (job.overwrites or job.keeps_output):
            held.release()  # the other run has made it since the plan looked
            return Row.of_existing(job.source, job.output)
        self._claim = held
        self._made += map(str, held.made)
        self.pixels = count_pixels(job.source)
        return None

    def release(self) -> None:
        if self._claim is not None:
            self._claim.release()

    def content(self) -> Path:
        return self._job.source

    def reading(self) -> AbstractContextManager[BinaryIO]:
        return self._job.source.open("rb")

    def writing(self, steps: Steps) -> AbstractContextManager[BinaryIO] | None:
        if self.keeps_output:
            return None
        return replacing(self._job.output, times_of=steps.times_of(self._job.source))

    def comparing(self, steps: Steps) -> AbstractContextManager[BinaryIO] | None:
        if self._job.compare is None:
            return None
        return replacing(self._job.compare, times_of=steps.times_of(self._job.source))

    def copy(self, steps: Steps, *, own_extension: bool) -> tuple[Path, bool]:
        job = self._job
        target = job.output.with_suffix(job.source.suffix) if own_extension else job.output
        if os.path.lexists(target) and (not job.overwrites or _is_same(target, job.source)):
            return target, False
        with replacing(target, times_of=steps.times_of(job.source)) as stream, self.reading() as original:
            shutil.copyfileobj(original, stream)
        return target, True


def _is_same(target: Path, source: Path) -> bool:
    return target.exists() and target.samefile(source)

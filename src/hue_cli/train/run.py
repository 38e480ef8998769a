"""From options to a finished run folder."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import torch

from hue_cli.color.space import Signal
from hue_cli.data.datasets import Dataset, resolve
from hue_cli.errors import CheckpointError, DeviceError, HueError, UsageError
from hue_cli.images.write import remove_stale_parts
from hue_cli.recipes import find_recipe
from hue_cli.recipes.schema import Recipe
from hue_cli.recipes.specs import GamutClassifierSpec
from hue_cli.train.boldness import choose_gain
from hue_cli.train.calibrate import calibrate
from hue_cli.train.checkpoint import RUN, WEIGHTS, save_weights, write_text
from hue_cli.train.config import write_config
from hue_cli.train.device import autocast, find_device, tuned
from hue_cli.train.learner import Learner, begin
from hue_cli.train.loop import Progress, Run, train
from hue_cli.train.options import Options, adapt, usual_folder
from hue_cli.train.parts import Parts
from hue_cli.train.photos import Listener as PhotoListener
from hue_cli.train.photos import RunPhotos
from hue_cli.train.plan import Plan
from hue_cli.train.record import Record, command, versions
from hue_cli.train.resume import check_photos, read_record, recall_recipe
from hue_cli.train.team import Team, assembled, own_device
from hue_cli.train.update import Update
from hue_cli.train.validate import Exam


class Listener(PhotoListener, Protocol):
    """Who is told how a run goes."""

    def training(self, progress: Progress) -> None:
        """A second or so has passed."""


class _Nobody:
    """Whom the processes of a team that do not lead tell."""

    def note(self, text: str) -> None:
        """See :class:`Listener`."""

    def warn(self, text: str) -> None:
        """See :class:`Listener`."""

    def loading(self, count: int) -> None:
        """See :class:`Listener`."""

    def training(self, progress: Progress) -> None:
        """See :class:`Listener`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A run's outcome.

    Attributes:
        folder: where it lies.
        finished: whether its plan was done.
        metrics: its last figures; empty in a process that does not lead its team.
        leads: whether this process does, and has something to say.
    """

    folder: Path
    finished: bool
    metrics: Mapping[str, float]
    leads: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """What has been settled before photos are read."""

    options: Options
    recipe: Recipe
    dataset: Dataset
    device: torch.device
    folder: Path
    team: Team
    listener: Listener

    def describe(self, facts: Mapping[str, object]) -> None:
        """Write ``run.json``."""
        description = {
            "recipe": self.recipe.to_dict(),
            "digest": self.recipe.digest(),
            "versions": versions(),
            "seed": self.recipe.seed,
            "dataset": self.dataset.name,
            "manifest": self.dataset.manifest,
            "options": asdict(self.options),
            **facts,
        }
        write_text(self.folder / RUN, json.dumps(description, indent=2, default=str) + "\n")


def run(options: Options, listener: Listener) -> Result:
    """Train as ``options`` say and leave a run folder behind.

    Args:
        options: of a resumed run, what :func:`hue_cli.train.resume.recall` returns.
        listener: told how it goes.

    Raises:
        UsageError: the options do not fit each other or the recipe.
        DatasetError: there is nothing to train on.
        DeviceError: the device cannot be used, or its memory does not hold a step.
        CheckpointError: the folder holds another run, or cannot be written, or the run was of other photos.
    """
    # recall() has filled in the folder of a resumed run.
    own = recall_recipe(options.output) if options.resume and options.output else find_recipe(options.model)
    recipe = adapt(own, options)
    with assembled() as team:
        job = _settle(options, recipe, team, listener if team.leads else _Nobody())
        try:
            with tuned(job.device), _claimed(job.folder):
                return _train(job)
        except torch.OutOfMemoryError as error:
            raise DeviceError(
                f"The memory of {job.device} does not hold a step of {recipe.batch_size} photos of "
                f"{recipe.stages[-1].size} pixels. Take fewer at a time with --micro-batch-size or --batch-size, or "
                "smaller ones with --size."
            ) from error


def _settle(options: Options, recipe: Recipe, team: Team, listener: Listener) -> _Job:
    """Settle where a run lies and what it is trained on; the leader first, since it may have to fetch that."""
    device = find_device(own_device(options.device, team))
    folder, dataset = "", None
    try:
        if team.leads:
            folder = str(_folder(recipe, options))
            dataset = resolve(options.dataset, options.val, listener.note)
            listener.note(f"reading photos of {dataset.name} …")
    except HueError:
        team.hear("")
        raise
    folder = team.hear(folder)
    if not folder:  # the leader has said why
        raise SystemExit(UsageError.exit_code)
    return _Job(
        options=options,
        recipe=recipe,
        dataset=dataset or resolve(options.dataset, options.val),
        device=device,
        folder=Path(folder),
        team=team,
        listener=listener,
    )


def _folder(recipe: Recipe, options: Options) -> Path:
    """Return the run's folder: as asked, or ``runs/NAME@SEED``, numbered if that exists."""
    folder = options.output or usual_folder(recipe.name, recipe.seed)
    if options.output is None and folder.exists():
        folder = next(p for n in range(2, 10**6) if not (p := folder.with_name(f"{folder.name}-{n}")).exists())
    if (folder / WEIGHTS).exists() and not options.resume:
        raise CheckpointError(
            f"{folder}: a run lies there already. Go on with --resume, or name another with --output."
        )
    return folder


@contextmanager
def _claimed(folder: Path) -> Iterator[None]:
    """Make the run folder, before photos are read, so that one that cannot be made costs no time.

    It goes again if nothing came to lie in it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise CheckpointError(
            f"{folder}: the run cannot be written ({error.strerror or error}). Make room, or name another folder with "
            "--output; what was saved goes on with --resume."
        ) from error
    finally:
        with suppress(OSError):
            folder.rmdir()


def _train(job: _Job) -> Result:
    """Read the photos, train on them, and say what came of it."""
    recipe, options, team = job.recipe, job.options, job.team
    sources = RunPhotos(
        job.dataset,
        recipe.split,
        limit=options.max_images,
        device=job.device,
        listener=job.listener,
        processes=team.size,
    )
    # Decoded once, for the largest crops of all stages.
    largest = max(stage.size for stage in recipe.stages)
    photos, val = sources.for_training(largest), sources.for_validation(largest)
    before = read_record(job.folder) if options.resume else {}
    kept = {"train": len(photos), "val": len(val), "train_digest": photos.digest(), "val_digest": val.digest()}
    check_photos(job.folder, before, kept)
    batch_size = min(recipe.batch_size, len(photos))
    if batch_size < team.size:
        raise UsageError(f"A batch of {batch_size} photos cannot be shared by {team.size} processes. Start fewer.")

    cast = autocast(job.device, options.precision)
    learner = begin(
        recipe,
        options,
        folder=job.folder,
        before=before,
        photos=photos,
        device=job.device,
        cast=cast,
        listener=job.listener,
    )
    known = before.get("photos_at_once")
    parts = Parts(options.micro_batch_size, recipe, learner.network, job.device, team.size, known)
    facts = _facts(job, learner, before) | {
        "photos_at_once": parts.sizes(),
        "precision": "bfloat16" if cast._enabled else "float32",
        "photos": kept,
    }
    if team.leads:
        remove_stale_parts(job.folder)
        job.describe(facts)
        if not options.resume:
            write_config(job.folder, options)
    job.listener.note(
        f"{recipe.name}: {learner.parameters:,} parameters, {len(photos):,} photos to train on, {len(val):,} to "
        f"validate, {facts['device']}, {facts['precision']}, into {job.folder}"
    )
    exam = Exam.affordable(recipe, learner.average.network, val, job.device)
    plan = Plan(
        stages=recipe.stages,
        steps_per_epoch=len(photos) // batch_size,
        optim=recipe.optim,
        max_seconds=options.max_minutes * 60 if options.max_minutes else None,
    )
    with Record(job.folder, since=learner.position.step) if team.leads else nullcontext() as record:
        finished, end = train(
            Run(
                recipe=recipe,
                plan=plan,
                phases=learner.phases,
                update=Update(clip=recipe.optim.clip, parts=parts, team=team, note=job.listener.note),
                average=learner.average,
                photos=photos,
                folder=job.folder,
                record=record,
                batch_size=batch_size,
                position=learner.position,
                validate=exam.for_curve,
                save_samples=lambda name: record and record.save_samples(name, exam.colorizer, val, exam.size),
                tell=job.listener.training,
            )
        )
    if not team.leads:
        return Result(folder=job.folder, finished=finished, metrics={}, leads=False)
    seen = end.step * batch_size - end.missed
    facts |= {
        "photos_at_once": parts.sizes(),
        "finished": finished,
        "steps": end.step,
        "photos_seen": seen,
        "epochs_seen": round(seen / (batch_size * plan.steps_per_epoch), 2),
        "minutes": round(end.seconds / 60, 2),
    }
    return _conclude(job, sources, exam, facts, finished=finished)


def _facts(job: _Job, learner: Learner, before: Mapping[str, Any]) -> dict[str, object]:
    """Return what is known of a run when it begins or goes on."""
    typed = command(job.team.size)
    return {
        "command": before.get("command", typed),
        "resumed": [*before.get("resumed", []), typed] if job.options.resume else [],
        "parameters": learner.parameters,
        "frozen_parameters": learner.frozen_parameters,
        **asdict(learner.began),
        "device": _device_name(job.device),
        "processes": job.team.size,
    }


def _conclude(job: _Job, sources: RunPhotos, exam: Exam, facts: dict[str, object], *, finished: bool) -> Result:
    """Set how boldly it paints, validate, and write the last of the record."""
    recipe = job.recipe
    if finished and isinstance(recipe.net, GamutClassifierSpec):
        job.listener.note("choosing temperature, gain and ceiling on the validation photos …")
        as_used = sources.for_validation(recipe.size.size)
        facts["calibration"] = calibrate(exam.colorizer, as_used, recipe.size.size, recipe.net.colourfulness)
        save_weights(job.folder, exam.colorizer.network, recipe.digest())
    elif finished and recipe.space.paints.signal is Signal.RGB:
        boldness = choose_gain(exam.colorizer, exam.photos, exam.size, exam.record_photos)
        exam.colorizer.gain = boldness.gain
        facts["calibration"] = asdict(boldness)
    # Whoever interrupts a run does not want to wait.
    metrics = exam.for_record() if finished else exam.for_curve()
    facts |= {"validated_on": exam.record_photos if finished else exam.curve_photos, "metrics": metrics}
    job.describe(facts)
    write_text(job.folder / "metrics.json", json.dumps({"val": metrics, "steps": facts["steps"]}, indent=2) + "\n")
    return Result(folder=job.folder, finished=finished, metrics=metrics)


def _device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{device.type}, {torch.get_num_threads()} threads"

"""From options to a finished run folder."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

import torch
from torch import nn

from hue_cli.data.datasets import Dataset, resolve
from hue_cli.errors import CheckpointError, DeviceError
from hue_cli.images.write import remove_stale_parts
from hue_cli.models.build import build_network, count_parameters
from hue_cli.models.colorizer import Colorizer
from hue_cli.models.encoders.pretrained import find_encoder
from hue_cli.recipes import find_recipe
from hue_cli.recipes.schema import Optim, Recipe
from hue_cli.recipes.specs import GamutClassifierSpec
from hue_cli.train.average import MovingAverage
from hue_cli.train.calibrate import calibrate
from hue_cli.train.checkpoint import RUN, WEIGHTS, Position, load_state, save_weights, write_text
from hue_cli.train.device import autocast, find_device, tuned
from hue_cli.train.loop import Progress, Run, train
from hue_cli.train.options import Options, adapt, usual_folder
from hue_cli.train.photos import Listener as PhotoListener
from hue_cli.train.photos import RunPhotos
from hue_cli.train.plan import Plan
from hue_cli.train.record import Record, command, versions
from hue_cli.train.resume import check_photos, read_record
from hue_cli.train.seeding import seed_everything
from hue_cli.train.start import resume, start
from hue_cli.train.steps import make_step
from hue_cli.train.validate import validate

CURVE_PHOTOS = 100
"""So many draw the curve."""


class Listener(PhotoListener, Protocol):
    """Who is told how a run goes."""

    def training(self, progress: Progress) -> None:
        """A second or so has passed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A run's outcome: where it lies, whether its plan was done, its last figures."""

    folder: Path
    finished: bool
    metrics: Mapping[str, float]


def make_optimizer(network: nn.Module, optim: Optim) -> torch.optim.Optimizer:
    """Return Adam with decoupled weight decay; an encoder with ImageNet weights is a group of its own."""
    encoder = find_encoder(network)
    pretrained = [p for p in encoder.parameters() if p.requires_grad] if encoder is not None else []
    own = {id(parameter) for parameter in pretrained}
    fresh = [p for p in network.parameters() if p.requires_grad and id(p) not in own]
    groups = [{"params": fresh, "lr_share": 1.0}]
    if pretrained:
        groups.append({"params": pretrained, "lr_share": optim.encoder_lr})
    return torch.optim.AdamW(groups, lr=optim.lr, betas=optim.betas, weight_decay=optim.weight_decay)


def _folder(recipe: Recipe, options: Options) -> Path:
    """Return the run's folder: as asked, or ``runs/NAME@SEED``, numbered if that exists."""
    if options.output:
        return options.output
    base = usual_folder(recipe.name, recipe.seed)
    if not base.exists():
        return base
    return next(path for n in range(2, 10**6) if not (path := base.with_name(f"{base.name}-{n}")).exists())


def _describe(folder: Path, recipe: Recipe, options: Options, dataset: Dataset, facts: Mapping[str, object]) -> None:
    description = {
        "recipe": recipe.to_dict(),
        "digest": recipe.digest(),
        "versions": versions(),
        "seed": recipe.seed,
        "dataset": dataset.name,
        "manifest": dataset.manifest,
        "options": asdict(options),
        **facts,
    }
    write_text(folder / RUN, json.dumps(description, indent=2, default=str) + "\n")


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
    recipe = adapt(find_recipe(options.model), options)
    device = find_device(options.device)
    folder = _folder(recipe, options)
    if (folder / WEIGHTS).exists() and not options.resume:
        raise CheckpointError(
            f"{folder}: a run lies there already. Go on with --resume, or name another with --output."
        )
    dataset = resolve(options.dataset, options.val, listener.note)
    listener.note(f"reading photos of {dataset.name} …")
    try:
        with tuned(device), _claimed(folder):
            photos = RunPhotos(dataset, recipe.split, limit=options.max_images, device=device, listener=listener)
            return _run(recipe, options, dataset, photos, device, folder, listener)
    except torch.OutOfMemoryError as error:
        raise DeviceError(
            f"The memory of {device} does not hold a step of {recipe.batch_size} photos of {recipe.stages[-1].size} "
            "pixels. Take fewer with --batch-size, or smaller ones with --size."
        ) from error


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


def _run(
    recipe: Recipe,
    options: Options,
    dataset: Dataset,
    sources: RunPhotos,
    device: torch.device,
    folder: Path,
    listener: Listener,
) -> Result:
    """Train on what :func:`run` has made ready."""
    largest = max(stage.size for stage in recipe.stages)
    photos, val = sources.for_training(largest), sources.for_validation(largest)
    before = read_record(folder) if options.resume else {}
    kept = {"train": len(photos), "val": len(val), "train_digest": photos.digest(), "val_digest": val.digest()}
    check_photos(folder, before, kept)
    seed_everything(recipe.seed)
    network = build_network(recipe.net)
    # What a resumed run began with, its first start has written down.
    began = (
        resume(network, before)
        if options.resume
        else start(network, options.init, options.encoder_weights, say=listener.note, warn=listener.warn)
    )
    network = network.to(device).to(memory_format=torch.channels_last)
    average = MovingAverage(network, recipe.optim.ema)
    optimizer = make_optimizer(network, recipe.optim)
    digest = recipe.digest()
    position = Position(step=0, seconds=0.0, digest=digest)
    if options.resume:
        position = load_state(folder, network, average.network, optimizer, digest)
    remove_stale_parts(folder)

    batch_size = min(recipe.batch_size, len(photos))
    plan = Plan(
        stages=recipe.stages,
        steps_per_epoch=len(photos) // batch_size,
        optim=recipe.optim,
        max_seconds=options.max_minutes * 60 if options.max_minutes else None,
    )
    cast = autocast(device, options.precision)
    colorizer = Colorizer(average.network, recipe.space).eval()
    size = recipe.stages[-1].size
    facts: dict[str, object] = {
        "command": before.get("command", command()),
        "resumed": [*before.get("resumed", []), command()] if options.resume else [],
        "parameters": count_parameters(network),
        **asdict(began),
        "frozen_parameters": sum(p.numel() for p in network.parameters() if not p.requires_grad),
        "device": _device_name(device),
        "precision": "bfloat16" if cast._enabled else "float32",
        "photos": kept,
    }
    _describe(folder, recipe, options, dataset, facts)
    listener.note(
        f"{recipe.name}: {count_parameters(network):,} parameters, {len(photos):,} photos to train on, {len(val):,} to "
        f"validate, {facts['device']}, {facts['precision']}, into {folder}"
    )
    with Record(folder, since=position.step) as record:
        moving = Run(
            recipe=recipe,
            plan=plan,
            step=make_step(network, recipe, cast, photos),
            network=network,
            average=average,
            optimizer=optimizer,
            photos=photos,
            folder=folder,
            record=record,
            batch_size=batch_size,
            position=position,
            validate=lambda: validate(colorizer, val, size, CURVE_PHOTOS),
            save_samples=lambda name: record.save_samples(name, colorizer, val, size),
            tell=listener.training,
        )
        finished, end = train(moving)
    if finished and isinstance(recipe.net, GamutClassifierSpec):
        listener.note("choosing temperature, gain and ceiling on the validation photos …")
        as_used = sources.for_validation(recipe.size.size)
        facts["calibration"] = calibrate(colorizer, as_used, recipe.size.size, recipe.net.colourfulness)
        save_weights(folder, average.network, digest)
    # Whoever interrupts a run does not want to wait.
    metrics = validate(colorizer, val, size, None if finished else CURVE_PHOTOS)
    facts |= {
        "finished": finished,
        "steps": end.step,
        "photos_seen": end.step * batch_size,
        "epochs_seen": round(end.step / plan.steps_per_epoch, 2),
        "minutes": round(end.seconds / 60, 2),
        "metrics": metrics,
    }
    _describe(folder, recipe, options, dataset, facts)
    write_text(folder / "metrics.json", json.dumps({"val": metrics, "steps": end.step}, indent=2) + "\n")
    return Result(folder=folder, finished=finished, metrics=metrics)


def _device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{device.type}, {torch.get_num_threads()} threads"

"""``hue train``."""

from __future__ import annotations

import glob
import os
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hue_cli.cli.options import JsonOpt, QuietOpt, VerboseOpt
from hue_cli.cli.report import Mode, ProgressBar, Reporter
from hue_cli.errors import UsageError

if TYPE_CHECKING:
    from hue_cli.train.loop import Progress
    from hue_cli.train.run import Result

SAY_EVERY_SECONDS = 60.0


class _Listener:
    """Shows a run: bars on a terminal, a line a minute elsewhere."""

    def __init__(self, reporter: Reporter, stack: ExitStack) -> None:
        self.reporter = reporter
        self._stack = stack
        self._loading: ProgressBar | None = None
        self._training: ProgressBar | None = None
        self._loaded = 0
        self._done = 0.0
        self._began: tuple[float, float] | None = None
        self._said_at = time.monotonic()

    def note(self, text: str) -> None:
        """See :class:`hue_cli.train.run.Listener`."""
        self._stack.close()
        self._loading = self._training = None
        self.reporter.note(text)

    def warn(self, text: str) -> None:
        """See :class:`hue_cli.train.run.Listener`."""
        self.reporter.warn(text)

    def loading(self, count: int) -> None:
        """See :class:`hue_cli.train.run.Listener`."""
        if self._loading is None:
            self._loading = self._stack.enter_context(self.reporter.progress(None, "decoding photos"))
        self._loading.advance(max(0, count - self._loaded))
        self._loaded = count

    def training(self, progress: Progress) -> None:
        """See :class:`hue_cli.train.run.Listener`."""
        if self._training is None:
            self._stack.close()
            self._training = self._stack.enter_context(self.reporter.progress(100, "training", percent=True))
        percent = 100 * progress.progress
        self._training.advance(
            percent - self._done,
            stage=progress.stage,
            loss=round(progress.loss, 4),
            photos=f"{progress.images_per_second:.0f}/s",
        )
        self._done = percent
        now = time.monotonic()
        self._began = self._began or (now, percent)
        if not self.reporter.shows_progress and now - self._said_at >= SAY_EVERY_SECONDS:
            self._said_at = now
            self.reporter.note(
                f"{percent:5.1f} %  step {progress.step}  {progress.stage}  loss {progress.loss:.4f}  "
                f"{progress.images_per_second:.0f} photos/s  {self._left(now, percent)}"
            )

    def _left(self, now: float, percent: float) -> str:
        """Say how long the rest will take, going by what this process has done."""
        began, before = self._began or (now, percent)
        if percent <= before:
            return ""
        minutes = (100 - percent) * (now - began) / (percent - before) / 60
        return f"{minutes:.0f} min left"


def _expand(sources: list[str]) -> tuple[str, ...]:
    """Expand wildcards that the shell left alone, as Windows' does."""
    expanded: list[str] = []
    for source in sources:
        # Not Path.glob, which refuses absolute patterns.
        matches = [] if os.path.lexists(source) else sorted(glob.glob(source, recursive=True))  # noqa: PTH207
        expanded += matches or [source]
    return tuple(expanded)


def _read_config(path: Path) -> dict[str, Any]:
    """Read ``--config``, wildcards of its sources expanded as those of the line are."""
    from hue_cli.train.config import read_config

    options = read_config(path)
    return options | {name: _expand(list(options[name])) for name in ("dataset", "val") if name in options}


def _readable(row: dict[str, Any]) -> dict[str, Any]:
    return row | {"parameters": f"{row['parameters'] / 1e6:.2f} M"}


def _show_systems(reporter: Reporter) -> None:
    """Answer ``--list``."""
    from dataclasses import asdict

    from hue_cli.train.catalogue import systems

    rows = [asdict(system) for system in systems()]
    if reporter.mode is Mode.JSON:
        reporter.emit_json({"systems": rows})
        return
    reporter.table("", tuple(rows[0]), [(*_readable(row).values(),) for row in rows])


def train(
    more: Annotated[
        list[str] | None, typer.Argument(metavar="MORE", help="More sources, as a shell's wildcard gives them.")
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", "-m", help="Recipe to train. Default: residual-curriculum.")
    ] = None,
    dataset: Annotated[
        list[str] | None,
        typer.Option("--dataset", metavar="NAME|PATH", help="Data sets by name, folders of colour photos, or tars."),
    ] = None,
    val: Annotated[
        list[str] | None,
        typer.Option("--val", metavar="PATH", help="Photos to validate on. Default: a tenth, held out by name."),
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Run folder. Default: runs/MODEL@SEED.")] = None,
    epochs: Annotated[
        int | None, typer.Option("--epochs", min=1, help="In all, shared among the stages as the recipe does.")
    ] = None,
    size: Annotated[int | None, typer.Option("--size", min=1, help="Side of the square crops, in pixels.")] = None,
    batch_size: Annotated[int | None, typer.Option("--batch-size", "-b", min=1, help="Photos a step.")] = None,
    micro_batch_size: Annotated[
        int | None,
        typer.Option(
            "--micro-batch-size",
            min=1,
            help="Work a step off in parts of so many photos, where memory is short. Default: as many as it holds.",
        ),
    ] = None,
    lr: Annotated[float | None, typer.Option("--lr", min=0.0, help="Initial learning rate.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", min=0, max=2**32 - 1, help="Of every random choice.")] = None,
    max_images: Annotated[int | None, typer.Option("--max-images", min=1, help="Train on so many at most.")] = None,
    max_minutes: Annotated[
        float | None,
        typer.Option("--max-minutes", min=0.0, help="Train so long; schedule and curriculum are fitted to it."),
    ] = None,
    device: Annotated[
        str | None,
        typer.Option("--device", "-d", metavar="auto|cpu|cuda[:N]|mps", help="Where training runs. Default: auto."),
    ] = None,
    precision: Annotated[
        str | None,
        typer.Option(
            "--precision", metavar="auto|float32|bfloat16", help="Default: auto, which is bfloat16 where that is fast."
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on with the run in the run folder, with the options it was started with."),
    ] = False,
    encoder_weights: Annotated[
        str | None,
        typer.Option(
            "--encoder-weights",
            metavar="auto|imagenet|none|FILE",
            help="Start of an encoder: ImageNet's weights, from HUE_DATA_DIR/pretrained or fetched; `auto`, the "
            "default, does without if it must; or nothing; or a safetensors file.",
        ),
    ] = None,
    init: Annotated[
        str | None,
        typer.Option(
            "--init", metavar="RUN", help="Begin with the weights of this run folder or safetensors file: fine-tuning."
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option("--config", help="Options out of a run's `run.yaml`, to repeat it; those given beside it win."),
    ] = None,
    list_systems: Annotated[
        bool, typer.Option("--list", help="Show the systems that can be trained, their cost and their settings.")
    ] = False,
    quiet: QuietOpt = False,
    verbose: VerboseOpt = False,
    json_report: JsonOpt = False,
) -> None:
    """Train a colorization network and leave a run folder: weights, curve, samples, figures.

    Ctrl-C ends a run cleanly: the step is finished, weights and state are saved, and `--resume` goes on from there.

    **Examples**

        hue train --dataset kaggle

        hue train --model residual --dataset photos/ --epochs 20

        hue train --model deepcolor-unet --dataset coco places365 ade20k

        hue train --dataset train-*.tar --max-minutes 60

        hue train --output runs/residual-curriculum@0 --resume

        hue train --model hue-s --init runs/hue-s@0 --dataset portraits/ --lr 2e-4 --epochs 5

        hue train --config runs/residual-curriculum@0/run.yaml --seed 1

        torchrun --nproc-per-node 4 -m hue_cli train --model ae-lab --dataset landscape
    """
    reporter = Reporter(Mode.choose(quiet=quiet, verbose=verbose, json_report=json_report))
    asked: dict[str, Any] = {
        "model": model,
        "dataset": _expand([*(dataset or []), *(more or [])]),
        "val": _expand(val or []),
        "output": output,
        "epochs": epochs,
        "size": size,
        "batch_size": batch_size,
        "micro_batch_size": micro_batch_size,
        "lr": lr,
        "seed": seed,
        "max_images": max_images,
        "max_minutes": max_minutes,
        "device": device,
        "precision": precision,
        "encoder_weights": encoder_weights,
        "init": init,
    }
    given = {name: value for name, value in asked.items() if value not in (None, ())}
    if list_systems:
        _show_systems(reporter)
        return
    if config is not None:
        given = {**_read_config(config), **given}
    if not resume and "dataset" not in given:
        raise UsageError("Nothing to train on. Name it: --dataset kaggle, --dataset FOLDER or --dataset photos.tar.")
    if given.get("precision") not in (None, "auto", "float32", "bfloat16"):
        raise UsageError(f"--precision {given['precision']}: expected auto, float32 or bfloat16.")

    from hue_cli.train.options import Options
    from hue_cli.train.resume import recall
    from hue_cli.train.run import run

    options = recall(given) if resume else Options(**given)
    with ExitStack() as stack:
        result = run(options, _Listener(reporter, stack))
    if result.leads:
        _show_result(reporter, result)
    if not result.finished:
        raise typer.Exit(130)


def _show_result(reporter: Reporter, result: Result) -> None:
    """Say what a run came to and what comes next."""
    rows = [(name, value) for name, value in result.metrics.items()]
    reporter.table(f"Validation of {result.folder}", ("figure", "value"), rows)
    if reporter.mode is Mode.JSON:
        reporter.emit_json({"run": str(result.folder), "finished": result.finished, "val": dict(result.metrics)})
    if result.finished:
        reporter.note(f"Next: hue export {result.folder} -o model.onnx")
    else:
        reporter.warn(f"stopped early; go on with: --output {result.folder} --resume")

"""``hue eval``: score models on photographs whose true colours are known."""

from pathlib import Path
from typing import Annotated

import typer

from hue_cli.cli.options import BatchSizeOpt, DeviceOpt, JsonOpt, QuietOpt, VerboseOpt
from hue_cli.cli.report import Mode, Reporter
from hue_cli.errors import UsageError


def evaluate(
    more: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[MORE]...",
            help="More models and photographs, as they follow `--model A B C` or a shell's wildcard.",
        ),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            "-m",
            metavar="NAME|PATH.onnx|RUN",
            help="Model to score, several side by side. Default: hue's own.",
        ),
    ] = None,
    dataset: Annotated[
        list[str] | None,
        typer.Option(
            "--dataset",
            metavar="NAME|PATH",
            help="Colour photos: folders, tars, files, kaggle. Default: kaggle's test photos if fetched, else samples.",
        ),
    ] = None,
    metrics: Annotated[
        str,
        typer.Option(
            metavar="NAME,NAME,…|all",
            help="mse, rmse, mae, psnr, ssim, msssim, accuracy, deltae, blobs, bleeding, skin-hue, hue-coverage, cf, "
            "cf-abs; colorfulness is both cf. Not in all, because slow: flicker.",
        ),
    ] = "all",
    raw: Annotated[
        bool, typer.Option("--raw", help="Score also what the network itself paints, lightness included, as papers do.")
    ] = False,
    size: Annotated[
        int | None, typer.Option(min=16, help="Short side for the network. Default: the model's own.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Stop after so many photographs.")] = None,
    csv: Annotated[Path | None, typer.Option(help="Write the figures of every photograph into this file.")] = None,
    batch_size: BatchSizeOpt = None,
    device: DeviceOpt = "auto",
    quiet: QuietOpt = False,
    verbose: VerboseOpt = False,
    json_report: JsonOpt = False,
) -> None:
    """Score models on colour photographs, beside the grey baseline and their papers' figures.

    **Examples**

        hue eval --metrics msssim,psnr

        hue eval --model residual-curriculum --dataset photos/ --raw

        hue eval --model runs/residual@0 old.onnx --dataset test.tar --json
    """
    from hue_cli.evaluate import run
    from hue_cli.evaluate.load import find_device, load_models, sort_out
    from hue_cli.evaluate.sources import choose_source
    from hue_cli.metrics.catalogue import select_metrics

    reporter = Reporter(Mode.choose(quiet=quiet, verbose=verbose, json_report=json_report))
    chosen = select_metrics(metrics.split(","))
    more_models, more_photos = sort_out(more or [])
    models = load_models([*(model or []), *more_models], device, size=size)
    source = choose_source([*(dataset or []), *more_photos])
    if csv is not None and csv.is_dir():
        raise UsageError(f"--csv {csv}: expected a file, found a folder.")
    reporter.note(f"Scoring {', '.join(models)} on {source.name}.")
    for name, each in models.items():
        reporter.detail(f"{name}: {each.origin}, network at {each.rule.size} pixels")
        if raw and not (each.raw_painter() or each.recorded or each.keeps_lightness):
            reporter.warn(
                f"{name}: no raw figures. {each.origin} only paints a* and b*; name its run folder, "
                "whose weights.safetensors paints RGB."
            )

    with reporter.progress(limit, "scoring") as bar:
        result = run.evaluate(
            models,
            source,
            chosen,
            raw=raw,
            limit=limit,
            batch_size=batch_size or 8,
            device=find_device(device),
            per_photo=csv,
            on_photo=lambda _name: bar.advance(),
            on_bad=lambda name, reason: reporter.warn(f"{name}: left out, it cannot be read ({reason})."),
        )

    if json_report:
        reporter.emit_json(result.to_dict())
    title = f"{result.dataset}: {result.photos} photos, protocol {result.protocol.name}"
    reporter.table(title, result.columns(), result.cells())
    for text in result.notes():
        reporter.result(text)
    if result.skipped:
        reporter.warn(f"{len(result.skipped)} files could not be read and were left out.")
        raise typer.Exit(1)

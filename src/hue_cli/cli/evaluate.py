"""``hue eval``: score models on photographs whose true colours are known."""

from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hue_cli.cli.obtain import obtain
from hue_cli.cli.options import BatchSizeOpt, DeviceOpt, JsonOpt, QuietOpt, VerboseOpt, complete_models
from hue_cli.cli.report import Mode, Reporter
from hue_cli.errors import UsageError

if TYPE_CHECKING:
    from hue_cli.evaluate.table import Evaluation


def evaluate(
    more: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="MORE",
            help="More models and photographs, as they follow `--model A B C` or a shell's wildcard.",
        ),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            "-m",
            metavar="NAME|hf:ORG/REPO|PATH.onnx|RUN",
            help="Model to score, several side by side. Default: hue's own.",
            autocompletion=complete_models,
        ),
    ] = None,
    dataset: Annotated[
        list[str] | None,
        typer.Option(
            "--dataset",
            "--reference",
            metavar="NAME|PATH",
            help="Colour photos: folders, tars, files, or a data set by name. Default: one that is here, else samples.",
        ),
    ] = None,
    outputs: Annotated[
        list[str] | None,
        typer.Option(
            "--outputs",
            metavar="[NAME=]FOLDER",
            help="Pictures that any tool has coloured, called like the photos; several times for several tools.",
        ),
    ] = None,
    compare_to: Annotated[
        str | None,
        typer.Option(
            metavar="ROW", help="Take the paired differences to this row. Default: the first model or folder."
        ),
    ] = None,
    metrics: Annotated[
        str,
        typer.Option(
            metavar="NAME,NAME,…|all",
            help="mse, rmse, mae, psnr, ssim, msssim, accuracy, deltae, blobs, bleeding, skin-hue, hue-coverage, cf, "
            "cf-abs; colorfulness is both cf. Not in all: "
            "flicker (slow); lpips, fid (they need weights).",
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
    markdown: Annotated[Path | None, typer.Option(help="Write the table in Markdown into this file.")] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            metavar="PAGE.html", help="Write one page with the table, and the pictures of all rows side by side."
        ),
    ] = None,
    batch_size: BatchSizeOpt = None,
    device: DeviceOpt = "auto",
    quiet: QuietOpt = False,
    verbose: VerboseOpt = False,
    json_report: JsonOpt = False,
) -> None:
    """Score models and other tools' pictures on colour photographs, beside the grey baseline and papers' figures.

    **Examples**

        hue eval --metrics msssim,psnr

        hue eval --model residual-curriculum --dataset photos/ --raw

        hue eval --model runs/residual@0 old.onnx --dataset test.tar --json

        hue eval --outputs other=colored/ --reference originals/ --model hue-s --report report.html
    """
    from hue_cli.evaluate import document, run
    from hue_cli.evaluate.load import find_device, load_models, sort_out
    from hue_cli.evaluate.outputs import find_outputs
    from hue_cli.evaluate.page.shelf import Shelf
    from hue_cli.evaluate.page.write import write_page
    from hue_cli.evaluate.sources import choose_source
    from hue_cli.metrics.catalogue import select_metrics

    reporter = Reporter(Mode.choose(quiet=quiet, verbose=verbose, json_report=json_report))
    chosen = select_metrics(metrics.split(","))
    more_models, more_photos = sort_out(more or [])
    wanted = [*(model or []), *more_models]
    # Whoever brings pictures asks for a model by name, if at all.
    models = load_models(wanted, device, partial(obtain, reporter), size=size) if wanted or not outputs else {}
    folders = find_outputs(outputs or [], taken=("truth", "grey", *models))
    source = choose_source([*(dataset or []), *more_photos], reporter.note)
    _check_files({"--csv": csv, "--markdown": markdown, "--report": report})
    reporter.note(f"Scoring {', '.join([*models, *(folder.name for folder in folders)])} on {source.name}.")
    for name, each in models.items():
        reporter.detail(f"{name}: {each.origin}, network at {each.rule.size} pixels")
        if raw and not (each.raw_painter() or each.recorded or each.keeps_lightness):
            reporter.warn(
                f"{name}: no raw figures. {each.origin} only paints a* and b*; name its run folder, "
                "whose weights.safetensors paints RGB."
            )

    with ExitStack() as stack, reporter.progress(limit, "scoring") as bar:
        rows = 2 + len(models) * (2 if raw else 1) + len(folders)
        shelf = stack.enter_context(Shelf(rows * source.count(limit))) if report else None
        result = run.evaluate(
            models,
            source,
            chosen,
            outputs=folders,
            compare_to=compare_to,
            raw=raw,
            limit=limit,
            batch_size=batch_size or 8,
            device=find_device(device),
            per_photo=csv,
            onlookers=[shelf] if shelf else [],
            on_photo=lambda _name: bar.advance(),
            on_bad=lambda name, reason: reporter.warn(f"{name}: left out, it cannot be read ({reason})."),
        )
        if report and shelf:
            write_page(result, shelf, report)

    if markdown:
        document.write_markdown(result, markdown)
    if json_report:
        reporter.emit_json(document.to_data(result))
    _say(result, reporter)


def _check_files(wanted: dict[str, Path | None]) -> None:
    for option, path in wanted.items():
        if path is not None and path.is_dir():
            raise UsageError(f"{option} {path}: expected a file, found a folder.")


def _say(result: "Evaluation", reporter: Reporter) -> None:
    title = f"{result.dataset}: {result.photos} photos, protocol {result.protocol.name}"
    reporter.table(title, result.columns(), result.cells())
    if result.differences:
        reporter.table("Paired differences", result.columns(), result.difference_cells())
    for text in result.notes():
        reporter.result(text)
    left_out = [f"{len(result.skipped)} files could not be read"] if result.skipped else []
    left_out += [
        f"{name} lacks {result.photos - found.scored} photos"
        for name, (_, found) in result.outputs.items()
        if found.incomplete
    ]
    if left_out:
        reporter.warn(f"Not everything was scored: {'; '.join(left_out)}.")
        raise typer.Exit(1)

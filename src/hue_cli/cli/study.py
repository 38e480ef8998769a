"""``hue study``: make, serve and report a study of public acceptance."""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hue_cli.cli.obtain import obtain
from hue_cli.cli.options import DeviceOpt, JsonOpt, QuietOpt, complete_models
from hue_cli.cli.report import Mode, Reporter
from hue_cli.errors import UsageError

if TYPE_CHECKING:
    from hue_cli.study.make import Paint

study = typer.Typer(
    help="Ask people: is this photograph real or colorized? (make, serve, report)\n\n**Example**\n\n"
    "    hue study make --help",
    no_args_is_help=True,
)

_StudyArg = Annotated[Path, typer.Argument(metavar="STUDY", help="Folder that `hue study make` wrote.")]


@study.command()
def make(
    originals: Annotated[Path, typer.Argument(metavar="PHOTOS", help="Folder of colour photographs.")],
    *,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="STUDY", help="Folder for the study.")],
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            "-m",
            metavar="NAME|hf:ORG/REPO|PATH.onnx",
            help="Model to ask about; may be given again. Default: the default model.",
            autocompletion=complete_models,
        ),
    ] = None,
    outputs: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=FOLDER", help="What another tool made of the photographs, by the same names."),
    ] = None,
    photos: Annotated[int | None, typer.Option(min=1, help="So many photographs, drawn by the seed.")] = None,
    side: Annotated[int, typer.Option(min=64, max=4096, help="Longest side of the pictures, in pixels.")] = 512,
    seed: Annotated[int, typer.Option(help="Of the choice of photographs and of all orders.")] = 0,
    title: Annotated[str, typer.Option(help="Shown to raters.")] = "Real or colorized?",
    device: DeviceOpt = "auto",
    json_report: JsonOpt = False,
    quiet: QuietOpt = False,
) -> None:
    """Make a study from colour photographs and what models paint in their stead.

    A rater will see each photograph once: half of them as they are, and each model's colours on an equal part of
    the others. Real and colorized pictures go through the same steps and the same encoder, under random names.

    **Examples**

        hue study make photos/ -o study/ --model hue-s --model residual-curriculum --photos 60

        hue study make photos/ -o study/ --outputs theirs=their_results/
    """
    from hue_cli.study.design import check_models
    from hue_cli.study.make import Wishes, folder_paint, list_originals, make_study

    report = Reporter(Mode.choose(quiet=quiet, json_report=json_report))
    others = dict(_named(entry) for entry in outputs or ())
    wanted = model if model or others else [None]
    paints: dict[str, Paint] = {}
    digests: dict[str, str] = {}
    names = [*others]
    for each in wanted or ():
        name, digest, paint = _model(each, device, report)
        names.append(name)
        paints[name], digests[name] = paint, digest
    check_models(names)
    paints |= {name: folder_paint(folder, report.warn) for name, folder in others.items()}
    found = list_originals(originals, report.warn)
    wishes = Wishes(title=title, photos=photos, side=side, seed=seed)
    with report.progress(min(photos or len(found), len(found)), "Making the study") as bar:
        made = make_study(
            found, output, paints, digests, wishes, root=originals, on_photo=bar.advance, on_bad=report.warn
        )
    count = len(made.photos)
    if photos and count < photos:
        report.warn(f"{originals}: expected {photos} photographs that can be shown, found {count}.")
    shown = Counter(picture.shows for picture in made.order(0))
    if report.mode is Mode.JSON:
        report.emit_json({"study": str(output), "photos": count, "models": dict(made.models), "a rater sees": shown})
    report.result(
        f"{output}: {count} photographs; a rater sees "
        f"{', '.join(f'{n} {what}' for what, n in shown.items())}. Next: hue study serve {output}"
    )


def _named(entry: str) -> tuple[str, Path]:
    name, equals, folder = entry.partition("=")
    if not equals or not name or not folder:
        raise UsageError(f"--outputs {entry}: expected NAME=FOLDER.")
    return name, Path(folder).expanduser()


def _model(wanted: str | None, device: str, report: Reporter) -> tuple[str, str, Paint]:
    import hashlib

    from hue_cli.infer.session import open_session
    from hue_cli.study.make import model_paint

    file = obtain(report, wanted)
    content = file.read()
    session = open_session(content, file.name, device)
    return session.name, hashlib.sha256(content).hexdigest(), model_paint(session)


@study.command()
def serve(
    folder: _StudyArg,
    *,
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 lets other machines in.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8765,
    quiet: QuietOpt = False,
) -> None:
    """Show the pictures to raters, in a browser, and keep their answers.

    Several raters can work at once, each under a name; who comes back with the same name goes on. Answers are on
    the disk before the next picture is shown. Ctrl-C ends the server; start it again and all go on.

    **Examples**

        hue study serve study/

        hue study serve study/ --host 0.0.0.0 --port 8000
    """
    from hue_cli.study.design import read_study
    from hue_cli.study.server import StudyServer

    report = Reporter(Mode.choose(quiet=quiet))
    study_ = read_study(folder)
    with StudyServer(study_, host, port, report.note) as server:
        report.result(f"{study_.title} {server.url} (Ctrl-C ends)")
        if not server.is_local:
            report.warn(f"{host}: everybody who can reach this machine can take part, under any name.")
        begun = time.monotonic()
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            answered = sum(len(rater.answers) for rater in server.book.raters.values())
            minutes = (time.monotonic() - begun) / 60
            report.result(f"Served for {minutes:.0f} min; {answered} answers are kept. Next: hue study report {folder}")


@study.command("report")
def report_study(
    folder: _StudyArg,
    *,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Also write the outcome as a page.")] = None,
    json_report: JsonOpt = False,
    quiet: QuietOpt = False,
) -> None:
    """Say how many took which pictures for real, and how sure that is.

    **Examples**

        hue study report study/

        hue study report study/ --html study/report.html --json
    """
    import os

    from hue_cli.images.write import replacing
    from hue_cli.study.answers import AnswerBook
    from hue_cli.study.design import PICTURES, read_study
    from hue_cli.study.report import summarize, to_html

    report = Reporter(Mode.choose(quiet=quiet, json_report=json_report))
    study_ = read_study(folder)
    summary = summarize(study_, AnswerBook(study_))
    if html is not None:
        pictures = Path(os.path.relpath(folder / PICTURES, html.parent)).as_posix()
        with replacing(html) as stream:
            stream.write(to_html(summary, pictures).encode())
    if report.mode is Mode.JSON:
        report.emit_json(json.loads(json.dumps(summary)))
        return
    report.table(
        f"{study_.title} {summary['answers']} answers of {len(summary['raters'])} raters",
        ["shown", "taken for real", "of", "acceptance", "95 % from", "to", "median s", "its paper"],
        [
            [row[key] for key in ("name", "accepted", "shown", "acceptance", "low", "high", "seconds", "paper")]
            for row in summary["conditions"]
        ],
    )
    report.table(
        "",
        ["rater", "answered", "of", "right", "median s"],
        [[row[key] for key in ("name", "answered", "of", "right", "seconds")] for row in summary["raters"]],
    )
    agreement = summary["agreement"]
    report.result(
        "Agreement of raters (Krippendorff's alpha): "
        + ("not known, no picture has two answers that differ" if agreement is None else f"{agreement:.2f}")
        + f". Papers report: {', '.join(f'{name} {said}' for name, said in summary['papers'].items())}."
    )

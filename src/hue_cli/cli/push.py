"""``hue models push``: a trained run onto the Hugging Face hub."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from hue_cli.cli.options import RESEARCH_ONLY, JsonOpt, QuietOpt
from hue_cli.cli.report import Mode, Reporter
from hue_cli.errors import UsageError


class Variant(StrEnum):
    """Forms beside the model itself; the keys of :data:`hue_cli.export.publish.VARIANTS`."""

    FP16 = "fp16"
    INT8 = "int8"
    END_TO_END = "end-to-end"


def push(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder of `hue train`.")],
    repo: Annotated[str, typer.Argument(metavar="hf:ORG/REPO", help="Repository; made if there is none.")],
    scores: Annotated[
        Path | None, typer.Option(metavar="JSON", help="What `hue eval --json` printed for this run.")
    ] = None,
    licence: Annotated[str, typer.Option(help="Terms of the weights.")] = RESEARCH_ONLY,
    variants: Annotated[
        list[Variant] | None, typer.Option("--with", help="Also send this form of the model; may be repeated.")
    ] = None,
    private: Annotated[bool, typer.Option("--private", help="Make a new repository private.")] = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Write the repository into this new folder instead, and send nothing."),
    ] = None,
    json_report: JsonOpt = False,
    quiet: QuietOpt = False,
) -> None:
    """Publish a trained network on the Hugging Face hub, where `hue colorize -m hf:ORG/REPO` finds it.

    The repository gets a model card, `config.json`, `model.safetensors`, `onnx/model.onnx`, `eval.json` and
    `SHA256SUMS`, in one commit. The token is that of `hf auth login`, or `HF_TOKEN`.

    **Examples**

        hue models push runs/residual@0 hf:somebody/residual --scores scores.json

        hue models push runs/residual@0 hf:somebody/residual -o repository/
    """
    from tempfile import TemporaryDirectory

    from hue_cli.weights.hub_name import HubName

    report = Reporter(Mode.choose(quiet=quiet, json_report=json_report))
    name = HubName.parse(repo)
    if name.revision is not None:
        raise UsageError(f"{repo}: a push makes a new commit on the branch main; leave out @{name.revision}.")
    if output is not None and output.exists():
        raise UsageError(f"-o {output}: is there already. Name a folder that is not.")

    from hue_cli.export.publish import Publication, build_repository
    from hue_cli.export.scores import read_scores
    from hue_cli.models.trained import read_run
    from hue_cli.weights import hub

    trained = read_run(run)
    found = read_scores(scores, trained) if scores else None
    forms = tuple(each.value for each in variants or ())
    publication = Publication(repo=name.repo, licence=licence, scores=found, variants=forms)
    if output is not None:
        exported = build_repository(trained, publication, output)
        report.result(f"{output}: what would be sent to {name}")
        facts: dict[str, object] = {"folder": str(output)}
    else:
        with TemporaryDirectory(prefix="hue-") as folder:
            exported = build_repository(trained, publication, Path(folder))
            report.note(f"Sending {name.repo} to {hub.endpoint()}.")
            commit, url = hub.upload(
                Path(folder),
                name.repo,
                private=private,
                message=f"{trained.recipe.name}, {exported.contract.digest[:12]}",
                progress=report.shows_progress,
            )
        report.result(f"{url}: commit {commit}")
        report.result(f"hue colorize old_photos/ --model {name}@{commit}")
        facts = {"url": url, "commit": commit}
    if report.mode is Mode.JSON:
        report.emit_json({"name": str(name), **facts, "sha256": exported.sha256, "size": exported.size})

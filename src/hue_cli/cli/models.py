"""``hue models``: which models there are, and how they come here."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hue_cli.cli.obtain import accept_model, fetch
from hue_cli.cli.options import JsonOpt, QuietOpt, complete_models
from hue_cli.cli.push import push
from hue_cli.cli.report import Mode, Reporter
from hue_cli.errors import WeightsError

if TYPE_CHECKING:
    from hue_cli.weights.registry import Weight
    from hue_cli.weights.resolve import ModelFile

models = typer.Typer(
    help="List, fetch, check, remove and publish models.\n\n**Example**\n\n    hue models list", no_args_is_help=True
)

_NameArg = Annotated[
    str, typer.Argument(metavar="NAME", help="NAME, hf:ORG/REPO[@REV] or PATH.onnx.", autocompletion=complete_models)
]


@models.command("list")
def list_models(json_report: JsonOpt = False, quiet: QuietOpt = False) -> None:
    """Show the models that there are: where they lie, how large they are, how they score.

    **Example**

        hue models list
    """
    report = Reporter(Mode.choose(quiet=quiet, json_report=json_report))
    rows = _every_model()
    if report.mode is Mode.JSON:
        for row in rows:
            report.emit_json(row)
        return
    columns = [
        "model",
        "where",
        "MB",
        "PSNR",
        "colour",
        *(["speed"] if any(row["speed"] for row in rows) else []),
        "licence",
    ]
    report.table("", columns, [[_cells(row)[column] for column in columns] for row in rows])


def _every_model() -> list[dict[str, Any]]:
    from hue_cli.weights.cache import read_fetched
    from hue_cli.weights.resolve import find_index, present_models

    index = find_index()
    here = {model.name: model for model in present_models()}
    known = {**index.models, **read_fetched()}
    return [
        _describe(weight, here.get(name), is_default=name == index.default)
        for name, weight in known.items()
        if name in here or weight.hub is not None
    ]


def _describe(weight: Weight, model: ModelFile | None, *, is_default: bool) -> dict[str, Any]:
    return {
        "name": weight.name,
        "default": is_default,
        "where": _where(model),
        "path": None if model is None else str(model.path),
        "hub": None if weight.hub is None else asdict(weight.hub),
        "size": weight.size,
        "sha256": weight.sha256,
        "licence": weight.licence,
        "metrics": dict(weight.metrics),
        "scored_on": weight.scored_on,
        "speed": weight.speed,
    }


def _where(model: ModelFile | None) -> str:
    if model is None:
        return "hub"
    if model.is_cached:
        return "cached"
    return "bundled" if model.weight is not None and model.weight.bundled else "checkout"


def _cells(row: dict[str, Any]) -> dict[str, object]:
    metrics = row["metrics"]
    return {
        "model": f"{row['name']}{' (default)' if row['default'] else ''}",
        "where": row["where"],
        "MB": round(row["size"] / 1e6, 1),
        "PSNR": metrics.get("psnr"),
        "colour": metrics.get("cf-abs"),
        "speed": row["speed"] or None,
        "licence": row["licence"].partition(",")[0],
    }


@models.command()
def info(name: _NameArg, json_report: JsonOpt = False) -> None:
    """Show everything that a model says about itself.

    **Example**

        hue models info hue-s
    """
    from hue_cli.weights.resolve import Absent, find_model

    report = Reporter(Mode.choose(json_report=json_report))
    found = find_model(name)
    if isinstance(found, Absent):
        facts: dict[str, Any] = {"name": found.name, "where": "hub", "hub": str(found.hub)}
        if found.weight is not None:
            facts |= _describe(found.weight, None, is_default=False) | {"hub": str(found.hub)}
    else:
        content = found.read()
        facts = {"name": found.name, "path": str(found.path), "bytes": len(content)}
        if found.weight is not None:
            facts |= {"where": _where(found), "sha256": found.weight.sha256}
            facts |= {"hub": str(found.weight.hub)} if found.weight.hub else {}
            facts |= {"speed": found.weight.speed} if found.weight.speed else {}
        facts |= dict(accept_model(content, found.name))
    if report.mode is Mode.JSON:
        report.emit_json(facts)
        return
    for key, value in facts.items():
        text = "  ".join(f"{k} {v:.4g}" for k, v in value.items()) if isinstance(value, dict) else value
        if text not in ("", None):
            report.result(f"{key.replace('_', ' '):<14} {text}")


@models.command()
def path(name: _NameArg) -> None:
    """Print where a model's file lies, for other programs.

    **Example**

        hue models path hue-s
    """
    from hue_cli.weights.resolve import resolve_model

    Reporter().result(str(resolve_model(name).path.resolve()))


@models.command()
def pull(name: _NameArg, quiet: QuietOpt = False) -> None:
    """Fetch a model into the cache, so that it is there without a network.

    A released model must be the file that this version of hue names by its SHA-256. A model named `hf:ORG/REPO` must
    be the one in its repository's `SHA256SUMS`, and is pinned to the commit that it came from until it is pulled again.

    **Examples**

        hue models pull hue-s

        hue models pull hf:somebody/hue-s@v1
    """
    report = Reporter(Mode.choose(quiet=quiet))
    model = _pull(report, name)
    report.result(f"{model.name}: {model.path}")


def _pull(report: Reporter, name: str) -> ModelFile:
    from hue_cli.weights.hub_name import ONNX_FILE, PREFIX, HubName
    from hue_cli.weights.registry import HubFile
    from hue_cli.weights.resolve import Absent, find_model

    if name.startswith(PREFIX):  # whatever is pinned: the revision may have moved on
        wanted = HubName.parse(name)
        place = HubFile(repo=wanted.repo, revision=wanted.revision or "main", file=ONNX_FILE)
        return fetch(report, Absent(name=name, hub=place))
    found = find_model(name)
    if isinstance(found, Absent):
        return fetch(report, found)
    try:
        found.read()
    except WeightsError as error:
        if not found.is_cached or found.weight is None or found.weight.hub is None:
            raise
        report.warn(str(error))
        return fetch(report, Absent(name=found.name, hub=found.weight.hub, weight=found.weight))
    report.note(f"{found.name} is here already.")
    return found


@models.command()
def verify(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME", help="Default: every model.", autocompletion=complete_models),
    ] = None,
    json_report: JsonOpt = False,
    quiet: QuietOpt = False,
) -> None:
    """Check models that are here: the SHA-256, and that they run.

    The exit code is 1 if any is not what it should be.

    **Examples**

        hue models verify

        hue models verify hue-s
    """
    from hue_cli.weights.resolve import present_models, resolve_model

    report = Reporter(Mode.choose(quiet=quiet, json_report=json_report))
    failed = False
    for model in [resolve_model(name) for name in names] if names else present_models():
        problem = _problem(model)
        failed |= problem is not None
        if report.mode is Mode.JSON:
            report.emit_json({"name": model.name, "path": str(model.path), "sound": problem is None, "error": problem})
        elif problem is None:
            report.result(f"{model.name}: sound")
        else:
            report.error(problem)
    if failed:
        raise typer.Exit(1)


def _problem(model: ModelFile) -> str | None:
    try:
        accept_model(model.read(), model.name)
    except WeightsError as error:
        return str(error)
    return None


@models.command()
def remove(
    names: Annotated[list[str], typer.Argument(metavar="NAME", autocompletion=complete_models)],
    quiet: QuietOpt = False,
) -> None:
    """Remove fetched models from the cache. Those that came with hue stay.

    **Example**

        hue models remove hf:somebody/hue-s@v1
    """
    from hue_cli.weights.fetch import remove_model
    from hue_cli.weights.resolve import resolve_model

    report = Reporter(Mode.choose(quiet=quiet))
    for model in [resolve_model(name) for name in names]:
        freed = remove_model(model)
        report.result(f"{model.name}: removed ({freed / 1e6:.1f} MB)")


models.command()(push)

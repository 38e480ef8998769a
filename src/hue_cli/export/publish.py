"""A trained run as a repository of the Hugging Face hub: model card, configuration, weights, ONNX file, digests."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path

from hue_cli.errors import ImageError
from hue_cli.export.card import write_card
from hue_cli.export.filing import Filing, describe, to_json, write_text
from hue_cli.export.graph import DEFAULT_OPSET
from hue_cli.export.run import Exported, Options, Precision, export_source
from hue_cli.export.scores import Scores
from hue_cli.export.source import source_of_run
from hue_cli.models.trained import TrainedRun
from hue_cli.weights.fetch import SUMS_NAME
from hue_cli.weights.hub_name import ONNX_FILE

# Licences that the hub knows by name; all else is "other", with the sentence in ``license_name``.
_HUB_LICENCES = {"apache-2.0", "mit", "cc-by-4.0", "cc-by-sa-4.0", "cc-by-nc-4.0", "cc0-1.0", "openrail"}

VARIANTS = {
    "fp16": Options(precision=Precision.FP16),
    "int8": Options(precision=Precision.INT8),
    "end-to-end": Options(end_to_end=True),
}
"""What a repository can hold beside the model, as ``onnx/model_NAME.onnx``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """What a repository says about a model.

    Attributes:
        repo: ``ORG/REPO``.
        licence: of the weights, an SPDX name or a sentence.
        scores: what ``hue eval`` measured; None if it was not.
        precision: of ``onnx/model.onnx``.
        variants: other forms of it, each in :data:`VARIANTS`.
        data_note: Markdown about the training photographs and their terms.
    """

    repo: str
    licence: str
    scores: Scores | None = None
    precision: Precision = Precision.AUTO
    variants: tuple[str, ...] = ()
    data_note: str = ""


def build_repository(run: TrainedRun, publication: Publication, folder: Path) -> Exported:
    """Fill a folder with what is published; returns the main ONNX file.

    Raises:
        CheckpointError: the run is damaged.
        ParityError: a graph does not paint what the network paints.
        ImageError: a file cannot be written.
    """
    scores = publication.scores
    source = source_of_run(
        run,
        opset=DEFAULT_OPSET,
        licence=publication.licence,
        metrics=scores.to_metrics() if scores else None,
        scored_on=scores.photographs if scores else "",
    )
    main = export_source(source, folder / ONNX_FILE, Options(precision=publication.precision))
    for variant in publication.variants:
        file = f"onnx/model_{variant.replace('-', '_')}.onnx"
        export_source(source, folder / file, VARIANTS[variant])
    name = publication.repo.partition("/")[2]
    card = write_card(name, run, main, scores, publication.data_note)
    card = card.replace(f"--model {name}\n", f"--model hf:{publication.repo}\n", 1)
    filing = Filing(weights=folder, name=name, licence=publication.licence)
    write_text(folder / "README.md", f"---\n{_header(name, publication)}\n---\n\n{card}")
    write_text(folder / "config.json", to_json(describe(filing, run, main, scores)))
    write_text(folder / "eval.json", to_json(scores.to_dict() if scores else None))
    try:
        shutil.copyfile(run.weights, folder / "model.safetensors")
    except OSError as error:
        raise ImageError(f"{folder / 'model.safetensors'}: cannot be written ({error.strerror or error}).") from error
    write_text(folder / SUMS_NAME, _sums(folder))
    return main


def _header(name: str, publication: Publication) -> str:
    """Return the YAML at the head of a card, by which the hub sorts models."""
    from huggingface_hub import EvalResult, ModelCardData

    licence = publication.licence.lower()
    known = licence in _HUB_LICENCES
    results = []
    if (scores := publication.scores) is not None:
        results = [
            EvalResult(
                task_type="image-to-image",
                task_name="colorization",
                dataset_type=scores.dataset,
                dataset_name=scores.photographs,
                metric_type=metric,
                metric_value=value,
            )
            for metric, value in scores.used.items()
        ]
    data = ModelCardData(
        library_name="hue",
        pipeline_tag="image-to-image",
        license=licence if known else "other",
        license_name=None if known else publication.licence,
        tags=["colorization", "onnx", "safetensors"],
        model_name=name if results else None,
        eval_results=results or None,
    )
    return str(data.to_yaml())


def _sums(folder: Path) -> str:
    """Return the digests of every file, as ``sha256sum`` prints them."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return "".join(
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(folder).as_posix()}\n" for path in files
    )

"""Out of the scores of single photographs: the rows of the table, their intervals and their differences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from hue_cli.evaluate.intervals import Estimate, Question, estimate
from hue_cli.evaluate.load import Model
from hue_cli.evaluate.outputs import OutputFolder
from hue_cli.evaluate.protocol import Treatment
from hue_cli.evaluate.score import TRUTH, Scores
from hue_cli.evaluate.table import COLOUR, Difference, Kind, Row, paper_row
from hue_cli.metrics.catalogue import METRICS
from hue_cli.metrics.metric import Floats, Metric

GREY = "grey"
"""Label of the row with every photograph in black and white."""

_SHARE = "share"
"""Key of the share of the truth's colour among a row's estimates."""


def raw_label(name: str) -> str:
    """Return the label of a model's row with what its network painted itself."""
    return f"{name}, raw"


def rows_of(
    scores: Mapping[str, Scores],
    models: Mapping[str, Model],
    outputs: Sequence[OutputFolder],
    metrics: Sequence[Metric],
    *,
    raw: bool,
) -> Iterator[Row]:
    """Yield the rows in the order of the table.

    Args:
        scores: by label.
        models: by name.
        outputs: folders of finished pictures.
        metrics: that were measured.
        raw: whether raw figures that were recorded are wanted where none were measured.
    """
    estimates = _estimates(scores, metrics)

    def measured(label: str, kind: Kind, *, model: str = "", treatment: Treatment | None = None) -> Row:
        own = dict(estimates[label])
        share = own.pop(_SHARE)
        return Row(
            label=label,
            kind=kind,
            scores=scores[label].means,
            photos=scores[label].photos,
            intervals={name: found.interval for name, found in own.items() if found.interval},
            share=share,
            treatment=treatment,
            model=model,
        )

    yield measured(TRUTH, Kind.TRUTH)
    yield measured(GREY, Kind.BASELINE)
    for name, model in models.items():
        yield measured(name, Kind.MODEL, model=name, treatment=Treatment.AS_USED)
        label = raw_label(name)
        if label in scores:
            yield measured(label, Kind.MODEL, model=name, treatment=Treatment.RAW)
        elif raw and model.recorded:
            label = f"{name}, raw, as recorded {f'on {model.recorded_on}' if model.recorded_on else 'when filed'}"
            yield Row(label=label, kind=Kind.RECORDED, scores=model.recorded, treatment=Treatment.RAW, model=name)
        if printed := paper_row(f"{name}, in the paper (raw)", model, name, metrics):
            yield printed
    for folder in outputs:
        yield measured(folder.name, Kind.OUTPUT, model=folder.name)


def _estimates(scores: Mapping[str, Scores], metrics: Sequence[Metric]) -> dict[str, dict[str, Estimate]]:
    """Return every row's figures with their intervals, by label, then by metric."""
    truth = scores[TRUTH].single[COLOUR]
    questions: dict[tuple[str, str], Question] = {}
    for label, own in scores.items():
        for metric, values in _single(own, metrics):
            questions[label, metric.name] = Question(metric, values)
        questions[label, _SHARE] = Question(METRICS[COLOUR], own.single[COLOUR], truth, quotient=True)
    return _answered(questions)


def differences_of(scores: Mapping[str, Scores], base: str, metrics: Sequence[Metric]) -> Iterator[Difference]:
    """Yield what every other painter but grey has more than one of them.

    Args:
        scores: by label.
        base: label of what is subtracted.
        metrics: that were measured.
    """
    truth, less = scores[TRUTH].single[COLOUR], scores[base]
    questions: dict[tuple[str, str], Question] = {}
    for label, own in scores.items():
        if label in (TRUTH, GREY, base):
            continue
        for metric, values in _single(own, metrics):
            questions[label, metric.name] = Question(metric, values, less.single[metric.name])
        more = own.single[COLOUR] - less.single[COLOUR]
        questions[label, _SHARE] = Question(METRICS[COLOUR], more, truth, quotient=True)
    for label, figures in _answered(questions).items():
        share = figures.pop(_SHARE)
        yield Difference(row=label, against=base, figures=figures, share=share)


def _single(scores: Scores, metrics: Sequence[Metric]) -> Iterator[tuple[Metric, Floats]]:
    """Yield the metrics that have numbers of single photographs, with these."""
    for metric in metrics:
        values = scores.single.get(metric.name)
        if values is not None and len(values):
            yield metric, values


def _answered(questions: Mapping[tuple[str, str], Question]) -> dict[str, dict[str, Estimate]]:
    answers: dict[str, dict[str, Estimate]] = {}
    for (label, name), found in zip(questions, estimate(tuple(questions.values())), strict=True):
        answers.setdefault(label, {})[name] = found
    return answers

"""One self-contained page out of a scoring: no network, no server, nothing beside it."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import math
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any

from hue_cli.evaluate.intervals import RESAMPLES, Estimate, Interval
from hue_cli.evaluate.page.shelf import Shelf
from hue_cli.evaluate.rows import GREY
from hue_cli.evaluate.table import SHARE_HEAD, Difference, Evaluation, Kind, Row, head_of
from hue_cli.images.write import replacing
from hue_cli.metrics.metric import FeatureMetric, Floats, Metric, PairMetric

_DIGITS = 6


def write_page(evaluation: Evaluation, shelf: Shelf, path: Path) -> None:
    """Write the page.

    File names are hostile: data and pictures are inert text in the page, which its script only ever shows as text,
    and the page's own policy forbids every other script and every connection.

    Args:
        evaluation: the scores.
        shelf: pictures of the same scoring.
        path: of the page.

    Raises:
        ImageError: the file cannot be written.
    """
    style, script, frame = (
        resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
        for name in ("page.css", "page.js", "page.html")
    )
    contests = [row.label for row in evaluation.rows if row.kind in (Kind.MODEL, Kind.OUTPUT)]
    extremes = (found for row in contests or [GREY] for found in evaluation.single[row].values())
    photos = shelf.worth_showing(evaluation.photos, extremes)
    rows = [row.label for row in evaluation.rows if row.label in evaluation.single]
    before, after = (
        Template(frame.replace("$pictures\n", "\0"))
        .substitute(
            title=html.escape(f"hue eval: {evaluation.dataset}"),
            style=style,
            script=script,
            style_hash=_digest(style),
            script_hash=_digest(script),
            data=_inert(_data(evaluation, shelf, photos)),
        )
        .split("\0")
    )
    with replacing(path) as stream:
        stream.write(before.encode())
        for place, photo in enumerate(photos):
            pictures = ",".join(base64.b64encode(shelf.picture(photo, row)).decode() for row in rows)
            stream.write(f'<script type="text/plain" id="photo-{place}">{pictures}</script>\n'.encode())
        stream.write(after.encode())


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _inert(data: dict[str, Any]) -> str:
    """Return JSON that no HTML parser takes for anything else, ``</script>`` and ``<!--`` included."""
    text = json.dumps(data, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _data(evaluation: Evaluation, shelf: Shelf, photos: list[int]) -> dict[str, Any]:
    return {
        "facts": _facts(evaluation, shelf, photos),
        "metrics": [_metric(metric) for metric in evaluation.metrics],
        "share_head": SHARE_HEAD,
        "rows": [_row(row, evaluation.single.get(row.label)) for row in evaluation.rows],
        "differences": [_difference(each) for each in evaluation.differences],
        "names": evaluation.names,
        "pictures": {
            "type": f"image/{shelf.form.lower()}",
            "index": {str(photo): place for place, photo in enumerate(photos)},
        },
        "notes": evaluation.notes(),
        "rules": [
            f"Protocol {evaluation.protocol.name}.",
            *evaluation.protocol.rules,
            f"Intervals: 95 %, percentile bootstrap over photos, {RESAMPLES:,} draws, the same for every row.",
        ],
    }


def _facts(evaluation: Evaluation, shelf: Shelf, photos: list[int]) -> str:
    megabytes = sum(map(shelf.size, photos)) * 4 / 3 / 1e6
    shown = "all" if len(photos) == evaluation.photos else f"{len(photos):,}"
    return (
        f"{evaluation.photos:,} photos, protocol {evaluation.protocol.name}. Pictures of {shown} of them "
        f"({'WebP' if shelf.form == 'WEBP' else 'JPEG'}, short side up to {shelf.side} pixels, {megabytes:.1f} MB "
        "in this page); figures are of all photos at full quality."
    )


def _metric(metric: Metric) -> dict[str, Any]:
    return {
        "name": metric.name,
        "head": head_of(metric),
        "unit": metric.unit,
        "better": metric.higher_is_better,
        "decimals": metric.decimals,
        "source": metric.source,
        "of_photos": not isinstance(metric, FeatureMetric) and not (isinstance(metric, PairMetric) and metric.reduce),
    }


def _row(row: Row, single: Mapping[str, Floats] | None) -> dict[str, Any]:
    return {
        "label": row.label,
        "kind": row.kind.value,
        "measured": bool(row.photos),
        "scores": {name: _number(value) for name, value in row.scores.items()},
        "intervals": {name: _ends(interval) for name, interval in row.intervals.items()},
        "share": _number(100 * row.share.value) if row.share else None,
        "share_interval": _ends(row.share.interval, 100) if row.share else None,
        "single": {name: [_short(value) for value in values.tolist()] for name, values in single.items()}
        if single is not None
        else None,
    }


def _difference(difference: Difference) -> dict[str, Any]:
    figures = {name: _pair(found) for name, found in difference.figures.items()}
    return {
        "label": f"{difference.row} − {difference.against}",
        "figures": {**figures, "share": _pair(difference.share, 100)},
    }


def _pair(estimate: Estimate, scale: float = 1.0) -> list[Any]:
    return [_number(estimate.value * scale), _ends(estimate.interval, scale)]


def _ends(interval: Interval | None, scale: float = 1.0) -> list[float | None] | None:
    return None if interval is None else [_number(interval.low * scale), _number(interval.high * scale)]


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _short(value: float) -> float | None:
    """A figure of one photograph, of which there are many; one of the table would be rounded twice: 12.55503, 12.55."""
    return float(f"{value:.{_DIGITS}g}") if math.isfinite(value) else None

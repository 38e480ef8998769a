"""What came out of a study."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from string import Template
from typing import Any
from urllib.parse import quote

from hue_cli.recipes import RECIPES
from hue_cli.study.answers import REAL_ANSWER, Answer, AnswerBook
from hue_cli.study.design import REAL, Study
from hue_cli.study.statistics import krippendorff_alpha, wilson

KOALARIZATION = "45.87 %"
"""Of Deep Koalarization: Baldassarre, González Morín and Rodés-Guirao (2017), section 4.2."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """How many of the pictures that were shown were taken for real."""

    accepted: int
    shown: int

    @classmethod
    def of(cls, answers: Iterable[Answer]) -> Share:
        """Count answers."""
        found = [answer.answer == REAL_ANSWER for answer in answers]
        return cls(accepted=sum(found), shown=len(found))

    def to_dict(self) -> dict[str, Any]:
        """Return the counts, the share and its 95 % Wilson interval."""
        low, high = wilson(self.accepted, self.shown)
        share = self.accepted / self.shown if self.shown else None
        return {"accepted": self.accepted, "shown": self.shown, "acceptance": share, "low": low, "high": high}


def summarize(study: Study, book: AnswerBook) -> dict[str, Any]:
    """Return the outcome as plain data.

    Keys: ``conditions`` (for ``real`` and each model: acceptance with its interval, median seconds, the paper's
    figure where there is one), ``pictures``, ``raters`` (share of right answers, median seconds) and ``agreement``
    (Krippendorff's alpha over pictures that two raters or more saw).
    """
    pictures = {picture.id: picture for picture in study.pictures}
    by_condition: dict[str, list[Answer]] = defaultdict(list)
    by_picture: dict[str, list[Answer]] = defaultdict(list)
    for rater in book.raters.values():
        for answer in rater.answers:
            by_condition[pictures[answer.picture].shows].append(answer)
            by_picture[answer.picture].append(answer)
    return {
        "title": study.title,
        "photos": len(study.photos),
        "seed": study.seed,
        "models": dict(study.models),
        "answers": sum(map(len, by_picture.values())),
        "conditions": [_condition(name, by_condition[name]) for name in (REAL, *study.models)],
        "pictures": [
            {"photo": picture.photo, "shows": picture.shows, "id": picture.id, **Share.of(by_picture[id_]).to_dict()}
            for id_, picture in pictures.items()
        ],
        "raters": [_rater(rater.name, len(rater.order), rater.answers, pictures) for rater in book.raters.values()],
        "agreement": krippendorff_alpha([answer.answer for answer in answers] for answers in by_picture.values()),
        "papers": {"deep koalarization": KOALARIZATION, **_papers()},
    }


def _condition(name: str, answers: list[Answer]) -> dict[str, Any]:
    recipe = RECIPES.get(name)
    paper = (recipe.source.acceptance or None) if recipe else None
    return {"name": name, **Share.of(answers).to_dict(), "seconds": _median_seconds(answers), "paper": paper}


def _rater(name: str, total: int, answers: list[Answer], pictures: Mapping[str, Any]) -> dict[str, Any]:
    right = sum((answer.answer == REAL_ANSWER) == (pictures[answer.picture].shows == REAL) for answer in answers)
    share = right / len(answers) if answers else None
    return {
        "name": name,
        "answered": len(answers),
        "of": total,
        "right": share,
        "seconds": _median_seconds(answers),
    }


def _median_seconds(answers: list[Answer]) -> float | None:
    return statistics.median(answer.ms for answer in answers) / 1000 if answers else None


def _papers() -> dict[str, str]:
    """Acceptance as the papers print it, by the name of the system; some print words."""
    return {name: recipe.source.acceptance for name, recipe in RECIPES.items() if recipe.source.acceptance}


def to_html(summary: Mapping[str, Any], folder_pictures: str) -> str:
    """Return the outcome as a page.

    Args:
        summary: of :func:`summarize`.
        folder_pictures: where the page finds the pictures, as a relative address.
    """
    page = Template(files("hue_cli.study").joinpath("report.html").read_text(encoding="utf-8"))
    agreement = summary["agreement"]
    return page.substitute(
        title=escape(str(summary["title"])),
        photos=summary["photos"],
        answers=summary["answers"],
        raters=len(summary["raters"]),
        agreement="–" if agreement is None else f"{agreement:.2f}",
        conditions="\n".join(map(_condition_row, summary["conditions"])),
        papers="\n".join(
            f"<tr><th scope=row class=name>{escape(name)}</th><td class=words>{escape(said)}</td></tr>"
            for name, said in summary["papers"].items()
        ),
        rater_rows="\n".join(map(_rater_row, summary["raters"])),
        pictures="\n".join(
            _figure(picture, folder_pictures)
            for picture in sorted(summary["pictures"], key=lambda p: (p["acceptance"] is None, p["acceptance"] or 0))
        ),
    )


def _condition_row(row: Mapping[str, Any]) -> str:
    low, high = 100 * row["low"], 100 * row["high"]
    middle = "" if row["acceptance"] is None else f'<i style="left:{100 * row["acceptance"]:.1f}%"></i>'
    return (
        f"<tr><th scope=row>{escape(row['name'])}</th><td>{_percent(row['acceptance'])}</td>"
        f"<td>{low:.1f} – {high:.1f} %</td>"
        f'<td class=bar><span style="left:{low:.1f}%;width:{high - low:.1f}%"></span>{middle}</td>'
        f"<td>{row['accepted']} of {row['shown']}</td><td>{_seconds(row['seconds'])}</td>"
        f"<td class=words>{escape(row['paper'] or '–')}</td></tr>"
    )


def _rater_row(row: Mapping[str, Any]) -> str:
    return (
        f"<tr><th scope=row class=name>{escape(row['name'])}</th><td>{row['answered']} of {row['of']}</td>"
        f"<td>{_percent(row['right'])}</td><td>{_seconds(row['seconds'])}</td></tr>"
    )


def _figure(picture: Mapping[str, Any], folder: str) -> str:
    said = "not shown yet" if not picture["shown"] else f"real to {picture['accepted']} of {picture['shown']}"
    source = quote(f"{folder}/{picture['id']}.jpg")
    # A name that is not UTF-8 on the disk.
    name = f"{picture['photo']}, {picture['shows']}".encode(errors="replace").decode()
    return (
        f'<figure><img loading=lazy src="{source}" alt="{escape(name, quote=True)}">'
        f"<figcaption>{escape(name)}<br>{said}</figcaption></figure>"
    )


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f} s"

"""The systems that can be trained, and how: what ``hue train --list`` shows."""

from __future__ import annotations

from dataclasses import dataclass

from hue_cli.models.cost import cost_of
from hue_cli.recipes import RECIPES
from hue_cli.recipes.schema import Recipe, Schedule


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """A recipe in a line.

    Attributes:
        name: that ``--model`` takes.
        parameters: of the network.
        gmac: what a photo of its largest size of training costs it, forwards, in thousand millions of multiplications.
        size: sides of the crops of its stages, in pixels.
        epochs: of all stages.
        batch: photos a step.
        loss: its terms with their weights.
        lr: initial learning rate, and what becomes of it.
        paper: that it comes from.
    """

    name: str
    parameters: int
    gmac: float
    size: str
    epochs: int
    batch: int
    loss: str
    lr: str
    paper: str


def systems() -> list[System]:
    """Return every system; networks are counted, not made."""
    return [_system(recipe) for recipe in RECIPES.values()]


def _system(recipe: Recipe) -> System:
    largest = max(stage.size for stage in recipe.stages)
    cost = cost_of(recipe, largest)
    terms = [f"{weight:g}·{term}" if weight != 1 else term.value for term, weight in recipe.loss.terms]
    if recipe.optim.l2:
        terms.append(f"{recipe.optim.l2:g}·l2")
    return System(
        name=recipe.name,
        parameters=cost.parameters,
        gmac=round(cost.gmac, 2),
        size=", ".join(dict.fromkeys(str(stage.size) for stage in recipe.stages)),
        epochs=recipe.epochs,
        batch=recipe.batch_size,
        loss=" + ".join(terms),
        lr=_learning_rate(recipe),
        paper=recipe.source.title,
    )


def _learning_rate(recipe: Recipe) -> str:
    optim = recipe.optim
    decay = f" ×{optim.decay:g} an epoch" if optim.schedule is Schedule.EXPONENTIAL else ""
    return f"{optim.lr:g} {optim.schedule}{decay}"

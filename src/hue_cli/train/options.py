"""What ``hue train`` was asked for, and the recipe that it makes of a system's own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from hue_cli.errors import UsageError
from hue_cli.metrics.structure import MSSSIM_MINIMUM
from hue_cli.models.encoders.pretrained import AUTO
from hue_cli.recipes.schema import LossTerm, Recipe

DEFAULT_MODEL = "residual-curriculum"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The command line; None leaves the recipe's own value."""

    model: str = DEFAULT_MODEL
    dataset: tuple[str, ...]
    val: tuple[str, ...] = ()
    output: Path | None = None
    epochs: int | None = None
    size: int | None = None
    batch_size: int | None = None
    micro_batch_size: int | None = None
    lr: float | None = None
    seed: int | None = None
    max_images: int | None = None
    max_minutes: float | None = None
    device: str = "auto"
    precision: str = "auto"
    resume: bool = False
    encoder_weights: str = AUTO
    init: str | None = None


def usual_folder(model: str, seed: int) -> Path:
    """Return where a run lies unless ``--output`` says otherwise."""
    return Path("runs") / f"{model}@{seed}"


def adapt(recipe: Recipe, options: Options) -> Recipe:
    """Return the recipe with what the options change.

    ``--epochs`` keeps the proportions of the curriculum, each stage at least one epoch; a network trained at another
    ``--size`` is used at that size too.

    Raises:
        UsageError: a value makes no sense for the recipe.
    """
    for option, value in {"--lr": options.lr, "--max-minutes": options.max_minutes}.items():
        if value is not None and not value > 0:  # which refuses NaN too
            raise UsageError(f"{option} {value:g}: expected more than 0.")
    stages, rule = recipe.stages, recipe.size
    if options.epochs is not None:
        if options.epochs < len(stages):
            raise UsageError(
                f"--epochs {options.epochs}: {recipe.name} has {len(stages)} stages, one epoch each or more."
            )
        stages = tuple(
            replace(stage, epochs=epochs) for stage, epochs in zip(stages, _share(options.epochs, recipe), strict=True)
        )
    if options.size is not None:
        smallest = (
            MSSSIM_MINIMUM if any(term is LossTerm.MSSSIM for term, _ in recipe.loss.terms) else recipe.size.minimum
        )
        multiple = recipe.size.multiple_of
        if options.size < smallest or options.size % multiple:
            raise UsageError(
                f"--size {options.size}: {recipe.name} takes multiples of {multiple} from {smallest} pixels on."
            )
        stages = tuple(replace(stage, size=options.size) for stage in stages)
        rule = replace(rule, size=options.size)
    return replace(
        recipe,
        stages=stages,
        size=rule,
        batch_size=options.batch_size or recipe.batch_size,
        optim=replace(recipe.optim, lr=options.lr or recipe.optim.lr),
        seed=recipe.seed if options.seed is None else options.seed,
    )


def _share(epochs: int, recipe: Recipe) -> list[int]:
    """Divide ``epochs`` among the stages as the recipe does, by largest remainder, at least one each."""
    exact = [stage.epochs * epochs / recipe.epochs for stage in recipe.stages]
    shares = [max(1, int(value)) for value in exact]
    while sum(shares) != epochs:
        step = 1 if sum(shares) < epochs else -1
        candidates = [i for i, share in enumerate(shares) if share + step >= 1]
        chosen = max(candidates, key=lambda i: step * (exact[i] - shares[i]))
        shares[chosen] += step
    return shares

"""What a training changed in its recipe, by options such as ``--size``."""

from __future__ import annotations

from hue_cli.recipes import RECIPES
from hue_cli.recipes.schema import PROSE, Recipe


def told_departures(recipe: Recipe) -> tuple[str, ...]:
    """Return a recipe's departures from its paper, and a sentence on what its training changed, if anything."""
    if not (changes := changes_in(recipe)):
        return recipe.departures
    return (*recipe.departures, f"This training changed the recipe: {', '.join(changes)}.")


def changes_in(recipe: Recipe) -> tuple[str, ...]:
    """Return the fields in which a recipe differs from the one of its name, in words, prose apart."""
    known = RECIPES.get(recipe.name)
    if known is None:
        return ()
    then, now = known.to_dict(), recipe.to_dict()
    return tuple(_say(name, recipe, known) for name in now if name not in PROSE and then.get(name) != now[name])


def _say(name: str, recipe: Recipe, known: Recipe) -> str:
    match name:
        case "batch_size":
            return f"batches of {recipe.batch_size} in place of {known.batch_size}"
        case "stages" if _sizes(recipe) != _sizes(known):
            return f"crops of {_sizes(recipe)} pixels in place of {_sizes(known)}"
        case "size" if recipe.size.size != known.size.size:
            return f"used at {recipe.size.size} pixels in place of {known.size.size}"
        case "optim" if recipe.optim.lr != known.optim.lr:
            return f"learning rate {recipe.optim.lr:g} in place of {known.optim.lr:g}"
    return f"another {name}"


def _sizes(recipe: Recipe) -> str:
    return " and ".join(str(size) for size in dict.fromkeys(stage.size for stage in recipe.stages))

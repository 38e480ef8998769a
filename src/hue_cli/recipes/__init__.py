"""The systems that hue can train, by name: an explicit tuple, so that reading it shows them all."""

from __future__ import annotations

from hue_cli.errors import UnknownModelError
from hue_cli.recipes import autoencoders, colorgan, deepcolor, hue, koalarization, residual, resnet18_autoencoder
from hue_cli.recipes.schema import Recipe

_ALL: tuple[Recipe, ...] = (
    *residual.RECIPES,
    *resnet18_autoencoder.RECIPES,
    *koalarization.RECIPES,
    *autoencoders.RECIPES,
    *colorgan.RECIPES,
    *deepcolor.RECIPES,
    *hue.RECIPES,
)

RECIPES: dict[str, Recipe] = {recipe.name: recipe for recipe in _ALL}
if len(RECIPES) != len(_ALL):
    raise RuntimeError("two recipes share a name")


def find_recipe(name: str) -> Recipe:
    """Return the recipe of this name.

    Raises:
        UnknownModelError: no recipe has it; the message lists those there are.
    """
    try:
        return RECIPES[name]
    except KeyError:
        known = ", ".join(RECIPES)
        raise UnknownModelError(f"No recipe is called {name!r}. There are: {known}.") from None

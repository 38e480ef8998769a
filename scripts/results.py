"""Writes docs/results.md, every system beside its paper, out of recipes and weights/: `python scripts/results.py`.

`--check` changes nothing and fails if the page is out of date.
"""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hue_cli.export.card import encoder_weights_of
from hue_cli.metrics.catalogue import METRICS
from hue_cli.models.cost import cost_of
from hue_cli.recipes import RECIPES
from hue_cli.recipes.changes import changes_in
from hue_cli.recipes.parse import parse_recipe
from hue_cli.recipes.schema import Recipe

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "results.md"
Config = Mapping[str, Any]
Configs = Mapping[str, Config]

_ALIKE = 1.25
"""Times as many photos that one training may have seen as another."""
LABELS = {"mse": "MSE", "rmse": "RMSE", "mae": "MAE", "psnr": "PSNR", "ssim": "SSIM", "msssim": "MS-SSIM"}

HEAD = """# Results

Every system of hue beside its paper. *Paper*: as printed, on the paper's own photographs. *Raw*: the picture as the
network painted it, scored as papers do, on `test`; networks that paint ab keep the photograph's lightness, so theirs
is the same as used. *As used*: the photograph keeps its own lightness, as `hue colorize` does; ×1.2 behind a
colourfulness: with a* and b* times 1.2, the boldest that costs a tenth of a decibel on the validation photos.
[Rules](evaluation.md); doing nothing scores *grey*. Colourfulness is Hasler and Süsstrunk's with absolute values,
beside its share of the truth's: a high PSNR with little of it is a brown picture. GMAC: thousand millions of
multiplications and additions for one photograph of the training size. ms: processor time of one core for one
photograph at the size at which it colorizes, in onnxruntime{machine}. Papers trained longer and on other photographs;
the last column says what was spent here. Written by `scripts/results.py` from the recipes and from `weights/`.
"""


def page(configs: Configs, speeds: Config) -> str:
    """Return the page in Markdown."""
    machine = f" on {speeds['machine']}" if speeds else ""
    parts = [HEAD.format(machine=machine)]
    for paper in dict.fromkeys(recipe.source.title for recipe in RECIPES.values()):
        recipes = [recipe for recipe in RECIPES.values() if recipe.source.title == paper]
        parts += [f"## {paper}\n", _table(recipes, configs, speeds.get("ms", {}))]
        parts += [*_orders(recipes, configs), *_departures(recipes)]
    return "\n".join(parts).rstrip() + "\n"


def _table(recipes: Sequence[Recipe], configs: Configs, speeds: Mapping[str, float]) -> str:
    printed = _printed(recipes)
    head = ["system", *(f"{LABELS.get(name, name)}: paper, raw" for name in printed)]
    if accepted := any(recipe.source.acceptance for recipe in recipes):
        head.append("taken for real: paper")
    head += ["PSNR as used (dB)", "colourfulness", "ΔE2000", "parameters", "GMAC", "ms", "trained"]
    rows = [_grey(configs, len(printed) + accepted)] if any(recipe.name in configs for recipe in recipes) else []
    for recipe in recipes:
        config = configs.get(recipe.name)
        size = max(stage.size for stage in _trained(recipe, config).stages)
        cost = cost_of(recipe, size)
        rows.append(
            [
                f"`{recipe.name}`",
                *(f"{_paper(recipe, name)}, {_number(_raw(config).get(name))}" for name in printed),
                *((recipe.source.acceptance or "–",) if accepted else ()),
                *_used(config),
                f"{cost.parameters / 1e6:.2f} M",
                f"{cost.gmac:.2f} ({size} px)",
                _number(speeds.get(recipe.name)),
                _budget(recipe, config),
            ]
        )
    lines = [head, ["---", *["---:"] * (len(head) - 2), "---"], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _printed(recipes: Sequence[Recipe]) -> list[str]:
    """Return the metrics that the paper prints or draws for any of its systems."""
    return list(dict.fromkeys(name for r in recipes for name in (*r.source.figures, *r.source.curves)))


def _paper(recipe: Recipe, name: str) -> str:
    return "curve only" if name in recipe.source.curves else _number(recipe.source.figures.get(name))


def _raw(config: Config | None) -> Mapping[str, float]:
    scores = config["scores"] if config else {}
    figures: Mapping[str, float] = scores.get("raw") or scores.get("used", {})
    return figures


def _used(config: Config | None) -> list[str]:
    if config is None:
        return ["–", "–", "–"]
    used, share = config["scores"]["used"], config["scores"]["colour_share"]
    gain = config["training"].get("gain", 1)
    parts = [_number(used.get("cf-abs"))]
    if share is not None:
        parts.append(f"({share:.0%})")
    if gain != 1:
        parts.append(f"×{gain:g}")
    colour = " ".join(parts)
    return [_number(used.get("psnr")), colour, _number(used.get("deltae"))]


def _grey(configs: Configs, printed: int) -> list[str]:
    grey = next(iter(configs.values()))["scores"]["grey"]
    cells = [_number(grey.get("psnr")), _number(grey.get("cf-abs")), _number(grey.get("deltae"))]
    return ["grey (doing nothing)", *[""] * printed, *cells, "", "", "", ""]


def _budget(recipe: Recipe, config: Config | None) -> str:
    if config is None:
        return "not trained yet"
    training = config["training"]
    told = (
        f"{training['minutes']:g} minutes on {training['device']}, {training['epochs_seen']:g} of "
        f"{recipe.epochs} epochs of {training['photos']['train']:,} photos"
    )
    parts = [told]
    if training.get("init"):
        parts.append("from earlier weights")
    trained = _trained(recipe, config)
    if weights := encoder_weights_of(trained, training):
        parts.append("encoder from scratch" if weights == "none" else "encoder with ImageNet's weights")
    return ", ".join([*parts, *changes_in(trained)])


def _trained(recipe: Recipe, config: Config | None) -> Recipe:
    """Return the recipe as it was, or would be, trained."""
    return parse_recipe(config["recipe"]) if config else recipe


def _caveat(names: Iterable[str], configs: Configs) -> str:
    """Say so where systems that are compared were not trained alike."""
    trainings = [configs[name]["training"] for name in names]
    seen = [training["photos_seen"] for training in trainings]
    is_alike = max(seen) <= _ALIKE * min(seen) and not any(training.get("init") for training in trainings)
    began = {training.get("encoder_weights", "none") for training in trainings}
    return "" if is_alike and len(began) == 1 else " They were not trained alike: see the last column."


def _orders(recipes: Sequence[Recipe], configs: Configs) -> Iterator[str]:
    """Say, for every printed metric, whether the order of the paper's systems is theirs here too."""
    for name in _printed(recipes):
        both = {
            r.name: r.source.figures[name]
            for r in recipes
            if name in r.source.figures and name in _raw(configs.get(r.name))
        }
        if len(both) < 2 or name not in METRICS:
            continue
        here = {recipe: _raw(configs[recipe])[name] for recipe in both}
        paper, ours = (
            sorted(both, key=lambda recipe: figures[recipe], reverse=bool(METRICS[name].higher_is_better))
            for figures in (both, here)
        )
        verdict = "the same here" if paper == ours else f"here {' > '.join(ours)}"
        order = f"Order by {LABELS.get(name, name)}, best first: {' > '.join(paper)} in the paper, {verdict}."
        yield f"{order}{_caveat(both, configs)}\n"
    for better in recipes:
        for worse in better.source.over:
            found = _compared(better.name, worse, configs)
            yield f"`{better.name}` is better than `{worse}` in the paper's words; here {found}.\n"


def _compared(better: str, worse: str, configs: Configs) -> str:
    """Say how two systems whose order a paper tells without figures stand to each other."""
    if missing := [f"`{name}`" for name in (better, worse) if name not in configs]:
        return f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not trained yet"
    ours, other = (configs[name]["scores"]["used"]["psnr"] for name in (better, worse))
    return f"{'too' if ours > other else 'it is not'}: {ours:.2f} and {other:.2f} dB of PSNR as used"


def _departures(recipes: Sequence[Recipe]) -> Iterator[str]:
    found: dict[str, list[str]] = {}
    for recipe in recipes:
        for departure in recipe.departures:
            found.setdefault(departure, []).append(recipe.name)
    if found:
        yield "Departures:\n"
        yield "".join(f"- {_whose(names, recipes)}{text}\n" for text, names in found.items())


def _whose(names: Sequence[str], recipes: Sequence[Recipe]) -> str:
    """Name the systems that share a departure, unless all of the paper's do."""
    return "" if len(names) == len(recipes) else ", ".join(f"`{name}`" for name in names) + ": "


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"


def main() -> int:
    """Write the page, or with ``--check`` tell whether it is up to date."""
    files = sorted((ROOT / "weights").glob("*/config.json"))
    configs = {path.parent.name: json.loads(path.read_text(encoding="utf-8")) for path in files}
    configs = {name: config for name, config in configs.items() if config["scores"]}
    speed = ROOT / "weights" / "speed.json"
    wanted = page(configs, json.loads(speed.read_text(encoding="utf-8")) if speed.is_file() else {})
    if "--check" in sys.argv[1:]:
        if not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != wanted:
            print("docs/results.md is out of date; run python scripts/results.py")
            return 1
        return 0
    PAGE.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Writes the table of released models into README.md, out of weights/: `python scripts/readme_models.py`.

`--check` changes nothing and fails if the table is out of date.
"""

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
START, END = "<!-- models: written by scripts/readme_models.py -->", "<!-- /models -->"
COLUMNS = {"psnr": "PSNR (dB)", "msssim": "MS-SSIM", "cf-abs": "colourfulness"}


def table(weights: Path) -> str:
    """Return the table in Markdown: one row for grey, one for each model, the default in bold."""
    index = json.loads((weights / "index.json").read_text(encoding="utf-8"))
    configs = {
        name: json.loads((weights / name / "config.json").read_text(encoding="utf-8")) for name in index["models"]
    }
    scored = {name: config for name, config in configs.items() if config["scores"]}
    if not scored:
        return "No model has been released yet."
    head = ["", *COLUMNS.values(), "of the truth's", "raw MS-SSIM", "the paper's", "file"]
    grey = next(iter(scored.values()))["scores"]["grey"]
    rows = [["grey (doing nothing)", *(_number(grey.get(key)) for key in COLUMNS), "", "", "", ""]]
    for name, config in scored.items():
        rows.append([_link(name, index["default"]), *_cells(config)])
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _link(name: str, default: str) -> str:
    link = f"[`{name}`](weights/{name}/README.md)"
    return f"**{link}**" if name == default else link


def _cells(config: dict[str, Any]) -> list[str]:
    scores, paper = config["scores"], config["recipe"]["source"]["figures"]
    share = scores["colour_share"]
    return [
        *(_number(scores["used"].get(key)) for key in COLUMNS),
        "–" if share is None else f"{share:.0%}{_gain(config)}",
        _number(scores["raw"].get("msssim")),
        _number(paper.get("msssim")),
        f"{config['size'] / 1e6:.1f} MB",
    ]


def _gain(config: dict[str, Any]) -> str:
    gain = config["training"].get("gain", 1)
    return "" if gain == 1 else f" (×{gain:g})"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"


def main() -> int:
    """Update the README, or with ``--check`` tell whether it is up to date."""
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    before, _, rest = text.partition(START)
    _, _, after = rest.partition(END)
    wanted = f"{before}{START}\n{table(ROOT / 'weights')}\n{END}{after}"
    if "--check" in sys.argv[1:]:
        if wanted != text:
            print("README.md: the table of models is out of date; run python scripts/readme_models.py")
            return 1
        return 0
    readme.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

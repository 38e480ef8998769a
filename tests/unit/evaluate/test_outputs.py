"""Any tool's pictures, found by name."""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hue_cli.data.photos import Place, locate
from hue_cli.errors import DatasetError, UsageError
from hue_cli.evaluate.document import to_data, to_markdown
from hue_cli.evaluate.outputs import OutputFolder, find_outputs, match
from hue_cli.evaluate.run import evaluate
from hue_cli.evaluate.sources import choose_source
from hue_cli.evaluate.table import Evaluation, Kind
from hue_cli.metrics.catalogue import select_metrics


def places(*names: str, tar: str = "") -> list[Place]:
    if tar:
        return [Place(f"{tar}:{name}", Path(tar), 0, 1) for name in names]
    return [Place(name, Path("root") / name, 0, 1) for name in names]


def pairs(truths: list[Place], outputs: list[Place]) -> tuple[dict[str, str], bool]:
    matched, bare = match(truths, outputs)
    return {truth: place.name for truth, place in matched.items()}, bare


def test_names_agree_below_their_folders_whatever_the_extension() -> None:
    found = pairs(places("a/one.jpg", "a/two.png", "b/one.jpg"), places("b/one.png", "a/one.webp", "c/two.png"))
    assert found == ({"a/one.jpg": "a/one.webp", "b/one.jpg": "b/one.png"}, False)


def test_members_of_a_tar_go_by_their_path_in_it() -> None:
    found = pairs(places("test/1.webp", "test/2.webp", tar="t.tar"), places("test/2.png", "test/3.png"))
    assert found == ({"t.tar:test/2.webp": "test/2.png"}, False)
    assert pairs(places("odd:name.jpg"), places("odd:name.png"))[0] == {"odd:name.jpg": "odd:name.png"}


def test_file_names_alone_are_the_last_resort() -> None:
    assert pairs(places("a/one.jpg", "b/two.jpg"), places("one.png", "three.png")) == ({"a/one.jpg": "one.png"}, True)
    assert pairs(places("a/one.jpg"), places("two.png"))[0] == {}


def test_the_same_extension_wins_and_what_is_ambiguous_is_refused() -> None:
    both = places("a.jpg", "a.png")
    assert pairs(both, both)[0] == {"a.jpg": "a.jpg", "a.png": "a.png"}
    with pytest.raises(UsageError, match=r"a\.jpg and a\.png among the reference"):
        match(both, places("a.webp"))
    with pytest.raises(UsageError, match=r"a\.jpg and a\.png among the outputs"):
        match(places("a.webp"), both)


def test_folders_and_their_names(tmp_path: Path) -> None:
    (tmp_path / "x=y").mkdir()
    (tmp_path / "tool").mkdir()
    (tmp_path / "file").write_text("")
    words = [str(tmp_path / "tool"), f"other={tmp_path / 'tool'}", str(tmp_path / "x=y")]
    assert [folder.name for folder in find_outputs(words)] == ["tool", "other", "x=y"]
    assert OutputFolder.parse(words[1]).path == tmp_path / "tool"
    with pytest.raises(UsageError, match="'tool'"):
        find_outputs([words[0], words[0]])
    with pytest.raises(UsageError, match="'grey'"):
        find_outputs([f"grey={words[0]}"], taken=["grey"])
    for word in ("nowhere", "n=nowhere", str(tmp_path / "file")):
        with pytest.raises(DatasetError, match="--outputs"):
            find_outputs([word])


@pytest.fixture
def colored(photos: Path, tmp_path: Path) -> Path:
    """Every photograph a little greener, as a tool might leave them: other formats and sizes among them."""
    folder = tmp_path / "colored"
    for path in photos.rglob("*.png"):
        target = folder / path.relative_to(photos)
        target.parent.mkdir(parents=True, exist_ok=True)
        with Image.open(path) as image:
            pixels = np.array(image)
        pixels[..., 1] = np.minimum(pixels[..., 1].astype(int) + 20, 255)
        Image.fromarray(pixels).save(target)
    return folder


def scored(photos: Path, *folders: Path, metrics: str = "psnr,msssim", **options: object) -> Evaluation:
    outputs = find_outputs([str(folder) for folder in folders])
    chosen = select_metrics(metrics.split(","))
    return evaluate({}, choose_source([str(photos)]), chosen, outputs=outputs, **options)  # type: ignore[arg-type]


def test_finished_pictures_are_scored(photos: Path, colored: Path) -> None:
    result = scored(photos, colored, photos)
    assert [row.kind for row in result.rows] == [Kind.TRUTH, Kind.BASELINE, Kind.OUTPUT, Kind.OUTPUT]
    tool, truth = result.rows[2:]
    assert truth.scores["psnr"] == 100
    assert tool.scores["psnr"] == pytest.approx(-10 * np.log10(20**2 / 255**2 / 3), abs=0.3)
    assert tool.photos == {"psnr": 5, "msssim": 5, "cf-abs": 5}
    (difference,) = result.differences
    assert (difference.row, difference.against) == (truth.label, "colored")
    assert difference.figures["psnr"].value == pytest.approx(100 - tool.scores["psnr"])
    _, findings = result.outputs["colored"]
    assert (findings.scored, findings.incomplete, findings.extra, findings.resized) == (5, False, [], {})


def test_a_tar_as_reference(photos: Path, colored: Path, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "true.tar", "w") as tar:
        for path in photos.rglob("*.png"):
            tar.add(path, path.relative_to(photos).as_posix())
    assert scored(tmp_path / "true.tar", colored).rows[2].photos["psnr"] == 5


def test_missing_extra_broken_and_resized_pictures_are_named(photos: Path, colored: Path) -> None:
    (colored / "coffee.png").unlink()
    (colored / "rocket.png").write_bytes(b"no picture")
    shutil.copy(colored / "chelsea.png", colored / "unknown.png")
    with Image.open(colored / "astronaut.png") as image:
        image.resize((128, 128)).save(colored / "astronaut.png")
    result = scored(photos, colored, photos, compare_to=photos.name)
    _, findings = result.outputs["colored"]
    assert (findings.missing, [*findings.broken], findings.extra) == (["coffee.png"], ["rocket.png"], ["unknown.png"])
    assert findings.resized == {"astronaut.png": "128×128"}
    assert result.rows[2].photos["psnr"] == 3
    assert result.differences[0].figures["psnr"].photos == 3
    notes = "\n".join(result.notes())
    for word in ("coffee.png", "rocket.png", "unknown.png", "astronaut.png (128×128)", "3 of the 5 photos"):
        assert word in notes
    data = to_data(result)
    assert data["outputs"]["colored"]["missing"] == ["coffee.png"]
    assert data["rows"][2]["model"] == "colored"
    assert data["models"] == {}


def test_larger_pictures_are_reduced_by_the_protocols_rule(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (300, 500, 3), np.uint8)
    for folder in ("true", "made"):
        (tmp_path / folder).mkdir()
        Image.fromarray(pixels).save(tmp_path / folder / "noise.png")
    result = scored(tmp_path / "true", tmp_path / "made", metrics="psnr")
    assert result.rows[2].scores["psnr"] == 100
    assert not result.outputs["made"][1].resized


def test_flicker_needs_a_model(photos: Path, colored: Path) -> None:
    grey, tool = scored(photos, colored, metrics="flicker").rows[1:]
    assert grey.photos["flicker"] == 5
    assert tool.photos["flicker"] == 0


def test_folders_that_match_nothing(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "made").mkdir()
    with pytest.raises(DatasetError, match="none"):
        scored(photos, tmp_path / "made")
    Image.new("RGB", (9, 9)).save(tmp_path / "made" / "other.png")
    with pytest.raises(DatasetError, match=r"other\.png"):
        scored(photos, tmp_path / "made")
    with pytest.raises(UsageError, match="--compare-to nobody"):
        scored(photos, photos, compare_to="nobody")


def test_markdown_has_the_intervals_and_tames_hostile_names(photos: Path, colored: Path) -> None:
    hostile = colored.rename(colored.with_name("a|b <script>*x*\n`"))
    text = to_markdown(scored(photos, hostile, photos))
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len({line.replace("\\|", "").count("|") for line in rows}) == 1
    assert "<script" not in text.replace("\\<script", "")
    assert "[" in rows[4]
    assert "paired difference" in text
    assert "hue-256-v1" in text
    assert len(list(locate([photos]))) == 5

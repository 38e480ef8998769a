"""Options in a file: read as they were written, refused by name where they are wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from hue_cli.errors import UsageError
from hue_cli.train.config import CONFIG, read_config, write_config
from hue_cli.train.options import Options


def test_options_come_back_as_they_were(tmp_path: Path) -> None:
    options = Options(
        model="ae-lab",
        dataset=("фото/*.jpg", "b.tar"),
        val=("c.tar",),
        output=tmp_path / "run",
        epochs=3,
        lr=1e-5,
        max_minutes=0.5,
        seed=7,
        micro_batch_size=4,
        init="runs/a",
        resume=True,
    )
    write_config(tmp_path, options)

    found = read_config(tmp_path / CONFIG)

    assert "output" not in found
    assert "resume" not in found
    assert Options(**found, output=options.output, resume=True) == options


def test_defaults_are_left_to_the_recipe(tmp_path: Path) -> None:
    write_config(tmp_path, Options(dataset=("a",)))

    assert (tmp_path / CONFIG).read_text(encoding="utf-8").splitlines()[1:] == [
        "model: residual-curriculum",
        "dataset:",
        "- a",
    ]


def test_people_may_write_it_too(tmp_path: Path) -> None:
    (tmp_path / CONFIG).write_text("dataset: photos\nlr: 1e-4\nmax-minutes: 5\n")

    assert read_config(tmp_path / CONFIG) == {"dataset": ("photos",), "lr": 1e-4, "max_minutes": 5.0}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rate: 1\nepochs: 2", r"run\.yaml: no option is called rate\. There are: model, dataset, .*micro-batch-size"),
        ("output: x", r"no option is called output\."),
        ("epochs: many", r"run\.yaml: epochs: expected a whole number, found 'many'\."),
        ("epochs: 1.5", r"epochs: expected a whole number, found 1\.5\."),
        ("batch-size: -1", r"batch-size: expected a whole number, found -1\."),
        ("seed: true", r"seed: expected a whole number, found True\."),
        ("lr: fast", r"lr: expected a number, found 'fast'\."),
        ("lr: yes", r"lr: expected a number, found True\."),
        ("model: 3", r"model: expected a word, found 3\."),
        ("dataset: [1, 2]", r"dataset: expected a path or a list of paths, found \[1, 2\]\."),
        ("- a", r"expected lines of `option: value`, found \['a'\]\."),
        ("", r"expected lines of `option: value`, found None\."),
        ("a: [", r"expected a run\.yaml as `hue train` writes it \(while parsing .*\)\."),
        ("!!python/object/apply:os.system [ls]", r"expected a run\.yaml as .*could not determine a constructor"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / CONFIG).write_text(text)

    with pytest.raises(UsageError, match=rf"--config \S+{said}" if said.startswith("run") else said):
        read_config(tmp_path / CONFIG)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--config \S+none\.yaml: expected a run\.yaml .* \(No such file"):
        read_config(tmp_path / "none.yaml")

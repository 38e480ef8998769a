"""What can be told of a cluster without one."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from hue_cli.cli.app import app
from hue_cli.errors import UsageError
from hue_cli.infer.job import FileFacts, Row, Status
from hue_cli.remote.cluster import Pool
from hue_cli.remote.parquet import ParquetLedger


def test_pools_are_a_number_or_two() -> None:
    assert Pool.parse(None, None) == Pool(minimum=1, maximum=None, num_gpus=0.0)
    assert Pool.parse("4", 0.5) == Pool(minimum=4, maximum=4, num_gpus=0.5)
    assert Pool.parse(" 1:8 ", None) == Pool(minimum=1, maximum=8)


@pytest.mark.parametrize("text", ["0", "8:1", "1:", "many", "-1", "1:2:3", ""])
def test_other_pools_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="expected a number of networks, or MIN:MAX"):
        Pool.parse(text, None)


def test_options_of_a_cluster_need_one(tiny_model: Path, tmp_path: Path) -> None:
    for option in (("--num-gpus", "1"), ("--concurrency", "2")):
        result = CliRunner().invoke(app, ["colorize", str(tmp_path), "--model", str(tiny_model), *option])
        assert result.exit_code == 2
        assert "--num-gpus and --concurrency belong to --engine ray" in result.output


def test_without_ray_it_is_one_sentence(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, picture: Callable[..., bytes]
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.png").write_bytes(picture())
    inner = builtins.__import__

    def missing(name: str, *rest: Any, **more: Any) -> Any:
        if name.partition(".")[0] == "ray":
            raise ModuleNotFoundError("No module named 'ray'", name="ray")
        return inner(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", missing)
    line = ["colorize", str(tmp_path / "in"), "--model", str(tiny_model), "--engine", "ray"]
    result = CliRunner().invoke(app, line)
    assert result.exit_code == 2
    assert "needs the package 'ray', which is part of the extra 'ray'" in result.output
    assert list(tmp_path.iterdir()) == [tmp_path / "in"]


def test_a_report_of_parquet_holds_what_lines_of_json_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pq = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed: pip install --group cluster")
    monkeypatch.setattr("hue_cli.remote.parquet._ROWS", 2)
    path = tmp_path / "report.parquet"
    ledger = ParquetLedger(path, model="tiny", model_sha256="0" * 64, size=None, strength=1.0)
    for number in range(5):
        facts = FileFacts(number, "a" * 64)
        ledger.add(Row(source=f"s3://b/{number}.jpg", status=Status.DONE, height=number, source_file=facts))
    ledger.add(Row(source="s3://b/\udcff.jpg", status=Status.FAILED, message="no", warnings=("one", "two")))
    assert not path.exists()
    ledger.close()
    rows = pq.read_table(path).to_pylist()
    assert [row["source"] for row in rows] == [*(f"s3://b/{number}.jpg" for number in range(5)), "s3://b/\\udcff.jpg"]
    assert rows[3] | {"time": None} == {
        "source": "s3://b/3.jpg",
        "output": None,
        "status": "done",
        "message": "",
        "time": None,
        "warnings": [],
        "height": 3,
        "width": None,
        "seconds": None,
        "source_bytes": 3,
        "source_sha256": "a" * 64,
        "output_bytes": None,
        "output_sha256": None,
        "model": "tiny",
        "model_sha256": "0" * 64,
        "hue": rows[3]["hue"],
        "size": None,
        "strength": 1.0,
    }
    assert rows[5]["warnings"] == ["one", "two"]
    with pytest.raises(UsageError, match="Parquet cannot be continued"):
        ParquetLedger(path)
    with pytest.raises(UsageError, match="cannot be written"):
        ParquetLedger(tmp_path / "nowhere" / "report.parquet")

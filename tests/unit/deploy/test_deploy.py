"""The examples for Kubernetes and Slurm, as far as they can be checked without either."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from hue_cli.cli.app import app

DEPLOY = Path(__file__).resolve().parents[3] / "deploy"


def rayjob() -> dict[str, Any]:
    yaml = pytest.importorskip("yaml")
    found: dict[str, Any] = yaml.safe_load((DEPLOY / "kuberay.yaml").read_text(encoding="utf-8"))
    return found


def wrong(job: dict[str, Any]) -> list[str]:
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads((DEPLOY / "rayjob.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return [error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(job)]


def test_the_rayjob_has_the_fields_that_kuberay_knows() -> None:
    assert wrong(rayjob()) == []
    cluster = rayjob()["spec"]["rayClusterSpec"]
    for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"]):
        (container,) = group["template"]["spec"]["containers"]
        assert container["resources"]["requests"] == container["resources"]["limits"]  # Ray reads the limits


@pytest.mark.parametrize(
    "spoil",
    [
        lambda job: job["spec"].update(entryPoint="hue"),
        lambda job: job["spec"].pop("entrypoint"),
        lambda job: job["spec"]["rayClusterSpec"]["headGroupSpec"]["rayStartParams"].update({"num-cpus": 0}),
        lambda job: job["spec"]["rayClusterSpec"]["workerGroupSpecs"][0].update(maxReplicas="200"),
        lambda job: job.update(apiVersion="ray.io/v1alpha1"),
    ],
    ids=["typing-error", "missing", "number", "text", "version"],
)
def test_the_schema_refuses_what_kuberay_would(spoil: Callable[[dict[str, Any]], object]) -> None:
    job = rayjob()
    spoil(job)
    assert wrong(job)


def test_the_rayjob_s_command_is_a_right_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Up to the bucket, which is not there."""
    program, *arguments = shlex.split(rayjob()["spec"]["entrypoint"])
    assert program == "hue"
    far = [argument.replace("s3://archive", "memory://nowhere") for argument in arguments]
    result = CliRunner().invoke(app, far)
    assert result.exit_code == 2
    assert "memory://nowhere/scans: there is no such file" in result.output


@pytest.fixture
def slurm(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs the script with stand-ins for Slurm's programs and Ray's, which note how they were called."""
    tools = tmp_path / "bin"
    tools.mkdir()
    stubs = {
        "scontrol": 'printf "node%d\\n" 1 2 3',
        "hostname": 'echo "10.0.0.1 fe80::1"',
        "ray": 'echo "ray $*" >> "$CALLS"; [[ $1 != start ]] || exec sleep 60',
        "hue": 'echo "hue $* at $RAY_ADDRESS" >> "$CALLS"; exit ${HUE_EXIT:-0}',
        "srun": "while [[ $1 == -* ]]; do if [[ $1 == -w ]]; then shift; node=$1; fi; shift; done\n"
        'echo "on $node: $1" >> "$CALLS"; exec "$@"',
    }
    for name, body in stubs.items():
        (tools / name).write_text(f"#!/usr/bin/env bash\n{body}\n")
        (tools / name).chmod(0o755)

    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", str(DEPLOY / "slurm.sbatch"), *arguments],
            env={
                **os.environ,
                "PATH": f"{tools}:{os.environ['PATH']}",
                "CALLS": str(tmp_path / "calls"),
                "SLURM_JOB_ID": "7",
                "SLURM_JOB_NODELIST": "node[1-3]",
                "SLURM_CPUS_PER_TASK": "4",
                "HUE_WAIT": "0.1",
                **environment,
            },
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


def test_the_slurm_script_starts_a_cluster_and_one_driver(
    slurm: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    subprocess.run(["bash", "-n", str(DEPLOY / "slurm.sbatch")], check=True)
    found = slurm("s3://a/in", "s3://a/out", "--strength", "0.8")
    assert found.returncode == 0, found.stderr
    calls = (tmp_path / "calls").read_text().splitlines()
    head = "ray start --block --num-cpus 4 --head --node-ip-address 10.0.0.1 --port 20007 --include-dashboard false"
    assert calls.count(head) == 1
    assert "ray health-check --address 10.0.0.1:20007" in calls
    line = "hue colorize s3://a/in -o s3://a/out --engine ray --report hue-7.jsonl --strength 0.8"
    assert f"{line} at 10.0.0.1:20007" in calls
    assert {call for call in calls if call.startswith("on node") and call.endswith("ray")} >= {"on node1: ray"}


def test_the_slurm_script_passes_failures_on(slurm: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    assert slurm("s3://a/in", "s3://a/out", HUE_EXIT="1").returncode == 1
    assert slurm("s3://a/in").returncode == 2

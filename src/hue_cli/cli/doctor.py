"""``hue doctor``: is everything here that hue needs, and what to do if not."""

from __future__ import annotations

from dataclasses import asdict

import typer

from hue_cli.cli.options import JsonOpt
from hue_cli.cli.report import Mode, Reporter


def doctor(json_report: JsonOpt = False) -> None:
    """Check this installation: Python, onnxruntime and its devices, CUDA, torch, cache, models, network switches.

    Providers are tried by running something on them. The exit code is 1 if anything keeps hue from working.

    **Examples**

        hue doctor

        hue doctor --json
    """
    from hue_cli.cli.checks import State, all_checks

    report = Reporter(Mode.choose(json_report=json_report))
    checks = []
    for check in all_checks():
        checks.append(check)
        remedy = f"\n{'':9}{'→':<21}{check.remedy}" if check.remedy else ""
        report.result(f"{check.state:<9}{check.name:<21}{check.found}{remedy}")
    problems = sum(check.state is State.PROBLEM for check in checks)
    if report.mode is Mode.JSON:
        report.emit_json({"sound": problems == 0, "checks": [asdict(check) for check in checks]})
    elif problems:
        report.error(f"{problems} {'problem' if problems == 1 else 'problems'} found.")
    else:
        report.result("Everything that hue colorize needs is here.")
    if problems:
        raise typer.Exit(1)

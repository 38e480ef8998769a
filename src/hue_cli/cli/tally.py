"""What became of a run's files: counted, shown and summed up."""

from __future__ import annotations

import signal
import threading
import time
from collections import Counter
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from hue_cli.cli.report import Mode, Reporter

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from types import FrameType

    from hue_cli.infer.job import Row
    from hue_cli.infer.ledger import Ledger
    from hue_cli.infer.plan import Plan
    from hue_cli.remote.parquet import ParquetLedger
    from hue_cli.remote.plan import RemotePlan


class Tally:
    """Counts rows, shows them as the mode asks, enters them in the report's file, and sums up.

    Args:
        report: shows what is said.
        plan: what the run is to do.
        dry_run: nothing is done; there will be rows of what would be.
        fail_fast: stop after a failure.
        ledger: the report's file.
        model: SHA-256 of the run's, by which results of others are told.

    Attributes:
        stopping: whether the run is to end early: after Ctrl-C, or after a failure where one is enough.
        interrupted: whether Ctrl-C was pressed.
    """

    def __init__(
        self,
        report: Reporter,
        plan: Plan | RemotePlan,
        *,
        dry_run: bool,
        fail_fast: bool,
        ledger: Ledger | ParquetLedger | None = None,
        model: str | None = None,
    ) -> None:
        self.stopping = False
        self.interrupted = False
        self._report = report
        self._plan = plan
        self._dry_run = dry_run
        self._fail_fast = fail_fast
        self._ledger = ledger
        self._model = model
        self._of_other_models = 0
        self._counts: Counter[str] = Counter()
        self._skipped: Counter[str] = Counter()
        self._examples: dict[str, Path | str] = {}
        self._older = 0
        self._begun = time.monotonic()

    @property
    def keeps_report(self) -> bool:
        """Whether rows are entered in a file, which takes digests."""
        return self._ledger is not None

    @property
    def failed(self) -> int:
        """How many files failed."""
        return self._counts["failed"]

    def watch(self, rows: Generator[Row]) -> None:
        """Take in rows until they end; that is soon, once :attr:`stopping` is set."""
        total = self._plan.count() if self._report.shows_progress else None
        with closing(rows), self._report.progress(total, "Colorizing") as bar, self._heeding_ctrl_c():
            for row in rows:
                self._add(row)
                bar.advance(1, **({"failed": self.failed} if self.failed else {}))
                self.stopping |= self._fail_fast and self.failed > 0
                if self.stopping and self._dry_run:
                    break

    @contextmanager
    def _heeding_ctrl_c(self) -> Iterator[None]:
        """Let the first Ctrl-C end the run in order, with a row for each finished file, and the second at once."""

        def stop(number: int, frame: FrameType | None) -> None:
            if self.interrupted:
                signal.default_int_handler(number, frame)
            self.stopping = self.interrupted = True

        if signal.getsignal(signal.SIGINT) is not signal.default_int_handler or (
            threading.current_thread() is not threading.main_thread()
        ):
            yield  # whoever runs hue has other plans for the signal
            return
        signal.signal(signal.SIGINT, stop)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def _compared(self, row: Row) -> Row:
        """Return the row of a result that is there, with a word on whether another model made it."""
        from hue_cli.images.mark import made_by_another_model

        if self._model is None or not isinstance(row.output, Path):
            return row
        if not made_by_another_model(row.output, self._model):
            return row
        self._of_other_models += 1
        return replace(row, message=f"{row.message}, made with another model")

    def _add(self, row: Row) -> None:
        report = self._report
        if row.skip is not None and row.skip.value == "exists":
            row = self._compared(row)
        if self._ledger is not None:
            self._ledger.add(row)
        self._counts[row.status.value] += 1
        if row.skip is not None:
            self._older += row.stale
            self._skipped[row.skip.value] += 1
            is_missing = row.skip.value == "colour"  # no result that could be looked at
            example = row.source if is_missing or row.output is None else row.output
            self._examples.setdefault(row.skip.value, example)
        if report.mode is Mode.JSON:
            report.emit_json(row.to_dict())
            return
        for warning in row.warnings:
            report.warn(warning)
        match row.status.value:
            case "failed":
                report.error(row.message)
            case "planned":
                report.result(f"{row.source} → {row.output}")
            case "skipped":
                report.detail(f"{row.source}: skipped; {row.message}.")
            case _:
                report.detail(f"{row.source} → {row.output}")

    def summarize(self) -> None:
        """Say how it went."""
        counts, seconds, report = self._counts, time.monotonic() - self._begun, self._report
        if report.mode is Mode.JSON:
            summary = {name: counts[name] for name in ("done", "planned", "skipped", "failed")}
            report.emit_json({"summary": {**summary, "ignored": self._plan.ignored, "seconds": round(seconds, 3)}})
            return
        done = counts["done"] + counts["planned"]
        rate = f" in {seconds:.1f} s ({done / seconds:.1f}/s)" if counts["done"] and seconds > 0 else ""
        verb = "Would colorize" if self._dry_run else "Colorized"
        parts = [f"{verb} {done} {'photograph' if done == 1 else 'photographs'}{rate}.", *self._say_skipped()]
        if self.failed:
            parts.append(f"{self.failed} failed.")
        if ignored := self._plan.ignored:
            kind = "file that is no picture" if ignored == 1 else "files that are no pictures"
            parts.append(f"Ignored {ignored} {kind} by name.")
        report.result(" ".join(parts))
        if self._older:
            report.warn(f"{self._older} of the skipped are older than their photographs.")
        if self._of_other_models:
            report.warn(f"{self._of_other_models} of the skipped were made with another model.")
        if counts.total() == self._skipped["link"]:
            report.warn("No pictures were found.")

    def _say_skipped(self) -> Iterator[str]:
        for skip, number in self._skipped.items():
            one, example = number == 1, self._examples[skip]
            match skip:
                case "exists" if one:
                    yield f"Skipped 1 whose result is there already: {example} (--overwrite makes it again)."
                case "exists":
                    yield (
                        f"Skipped {number} whose results are there already, such as {example} "
                        "(--overwrite makes them again)."
                    )
                case "colour":
                    yield (
                        f"Left {number} that {'is' if one else 'are'} in colour already, such as {example} "
                        "(--if-color recolor gives new colours)."
                    )
                case "copied":
                    yield f"Copied {number} that {'is' if one else 'are'} in colour already, such as {example}."
                case "format":
                    yield (
                        f"Left out {number} of {'a format' if one else 'formats'} that hue does not read, such as "
                        f"{example} (save {'it' if one else 'them'} as TIFF, PNG or JPEG)."
                    )
                case "busy":
                    yield f"Left {number} to another run of hue that is at work on {'it' if one else 'them'}."
                case "own":
                    yield (
                        f"Left out {number} that look like hue's own, such as {example} "
                        "(name it alone, with --if-color recolor, to colorize it)."
                    )
                case "link":
                    yield f"Did not follow {number} linked folders, such as {example} (name it to colorize it)."

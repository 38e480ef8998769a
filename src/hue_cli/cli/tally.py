"""What became of a run's files: counted, shown and summed up."""

from __future__ import annotations

import signal
import threading
import time
from collections import Counter
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from hue_cli.cli.report import Mode, Reporter
from hue_cli.stopping import Stop, Terminated, heeding

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from hue_cli.infer.job import Row
    from hue_cli.infer.ledger import Ledger
    from hue_cli.infer.plan import Plan
    from hue_cli.remote.parquet import ParquetLedger
    from hue_cli.remote.plan import RemotePlan


class Workers(Enum):
    """Who does a run's work, and so what Ctrl-C does; :attr:`value` is said at the first."""

    THREADS = "Finishing the photographs in hand; Ctrl-C again drops them."
    """They are asked to stop, and clean up."""
    CLUSTER = "Taking in what the cluster has just finished; Ctrl-C again ends at once."
    """It has to be left."""
    ITSELF = ""
    """The main thread alone: the first Ctrl-C ends what it does, or waits for, at once."""


class Tally:
    """Counts rows, shows them as the mode asks, enters them in the report's file, and sums up.

    Args:
        report: shows what is said.
        plan: what the run is to do.
        dry_run: nothing is done; there will be rows of what would be.
        fail_fast: stop after a failure.
        ledger: the report's file.
        model: SHA-256 of the run's, by which results of others are told.
        workers: who does the work.

    Attributes:
        stop: whether the run is to end early: after a signal, or after a failure where one is enough.
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
        workers: Workers = Workers.THREADS,
    ) -> None:
        self.stop = Stop()
        self._workers = workers
        self._signal: signal.Signals | None = None
        self._saying: list[threading.Thread] = []
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
        """Take in rows until they end; that is soon, once :attr:`stop` is asked for.

        A first Ctrl-C asks for it, and each finished photograph has its row. A second, or SIGTERM, has what is in hand
        dropped: a container is given ten seconds. What still does not end then, the next signal kills.

        Where a row cannot be shown, because whoever reads has gone, no more is begun or shown, and the rows of what is
        in hand are still entered in the report's file.

        Raises:
            KeyboardInterrupt: at the signal after which nothing is waited for.
            OSError: a row could not be shown, and no signal came.
        """
        unshown: BaseException | None = None
        total = self._plan.count() if self._report.shows_progress else None
        # Signals are heeded also while what is in hand is waited for as the rows are closed.
        with self._heeding(), closing(rows), self._report.progress(total, "Colorizing") as bar:
            for row in rows:
                entered = self._enter(row)
                if unshown is None:
                    try:
                        self._show(entered)
                        bar.advance(1, **({"failed": self.failed} if self.failed else {}))
                    except (Exception, SystemExit) as error:  # Rich exits where nobody reads
                        unshown, self.stop.is_asked = error, True
                self.stop.is_asked |= self._fail_fast and self.failed > 0
                if self.stop.is_asked and self._dry_run:
                    break
        if unshown is not None:
            self.raise_if_interrupted()
            raise unshown

    def raise_if_interrupted(self) -> None:
        """Raise what a signal stands for, if one ended the run.

        Raises:
            KeyboardInterrupt: Ctrl-C or SIGTERM.
        """
        if self._signal is not None:
            raise Terminated if self._signal is signal.SIGTERM else KeyboardInterrupt

    @contextmanager
    def _heeding(self) -> Iterator[None]:
        try:
            with heeding(self._heed):
                yield
        finally:
            for thread in self._saying:
                thread.join()

    def _heed(self, number: signal.Signals) -> bool:
        if self.stop.drops:  # and it has not ended since
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        is_second = self._signal is not None or number is signal.SIGTERM
        self._signal = number
        self.stop.is_asked = True
        if is_second or self._workers is Workers.ITSELF:
            self.stop.drops = True
            if self._workers is not Workers.THREADS:
                self.raise_if_interrupted()
            self._say("Dropping the photographs in hand.")
        else:
            self._say(self._workers.value)
        return True

    def _say(self, text: str) -> None:
        """Say something in a thread: a signal may find the main one in the middle of printing."""

        def say() -> None:
            with suppress(OSError):  # nobody listens
                self._report.note(text)

        thread = threading.Thread(target=say)
        self._saying.append(thread)
        thread.start()

    def _compared(self, row: Row) -> Row:
        """Return the row of a result that is there, with a word on whether another model made it."""
        from hue_cli.images.mark import made_by_another_model

        if self._model is None or not isinstance(row.output, Path):
            return row
        if not made_by_another_model(row.output, self._model):
            return row
        self._of_other_models += 1
        return replace(row, message=f"{row.message}, made with another model")

    def _enter(self, row: Row) -> Row:
        """Count a row, and enter it in the report's file; return it as it is to be shown."""
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
        return row

    def _show(self, row: Row) -> None:
        report = self._report
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
        if counts.total() == self._skipped["link"] and not self.stop.is_asked:
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

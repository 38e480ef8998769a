"""Fetching one archive: verified by pooch, and carried on where a transfer broke off.

pooch checks the digest and moves the file to its place only then. What it lacks is added through its own door, a
downloader: the bytes gather in ``NAME.part``, which outlives the process and is continued with an HTTP range,
as long as the server says that it still has the same file.
"""

from __future__ import annotations

import json
import shutil
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pooch
import requests

from hue_cli import __version__
from hue_cli.data.listener import Listener
from hue_cli.errors import FetchError
from hue_cli.offline import offline_switch

ATTEMPTS = 5
"""So many failures in a row end a fetch."""
FIRST_WAIT = 1.0
"""Seconds before the second attempt; each further one waits twice as long."""
TIMEOUT = (15, 60)
"""Seconds for a connection, and without a byte."""
PROGRESS = 2**20
"""A transfer that brought so many bytes has not failed in vain; the count of failures begins again."""
RESERVE = 256 * 2**20
"""Bytes of the disk that stay free."""

_CHUNK = 2**16
"""Bytes at a time; of a transfer that breaks off, less than that is lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """A file that can be fetched.

    Attributes:
        url: where.
        file: name of the file here.
        size: bytes, where they are known.
        digest: ``sha256:…`` or ``md5:…``, which it must have.
        unpacked: bytes that will be needed on the disk besides it.
    """

    url: str
    file: str
    size: int | None
    digest: str
    unpacked: int = 0


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file that is here and has its digest.

    Attributes:
        path: where it lies.
        was_here: whether it lay there before.
    """

    path: Path
    was_here: bool


def public(url: str) -> str:
    """Return a URL without the password or key that a mirror may want: what may be printed and kept."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def download(remote: Remote, folder: Path, listener: Listener) -> Fetched:
    """Return a file, fetching what of it is not here; one of the right digest that lies there is taken as it is.

    Raises:
        FetchError: it cannot be had, or is not what its digest says. What was transferred is kept for another try,
            unless it is wrong.
    """
    pooch.get_logger().setLevel("ERROR")
    transfer = _Transfer(remote, folder, listener)
    try:
        path = pooch.retrieve(remote.url, known_hash=remote.digest, fname=remote.file, path=folder, downloader=transfer)
    except ValueError as error:  # pooch's word for a wrong digest
        found = str(error).partition(". Deleted")[0]
        raise FetchError(
            f"{public(remote.url)}: this is not the archive that was expected: {found}. It was deleted. Try again; if "
            "its publisher has replaced it, give the new SHA-256 from a source that you trust with --sha256."
        ) from error
    except OSError as error:  # requests' errors have been dealt with
        raise FetchError(
            f"{error.filename or folder}: cannot be written ({error.strerror or error}). Make room, or set "
            "HUE_DATA_DIR to another disk; what was transferred goes on from there."
        ) from error
    return Fetched(Path(path), was_here=not transfer.was_asked)


class _BrokenOffError(Exception):
    """A transfer broke off in a way that another try may mend."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


class _Transfer:
    """pooch's downloader: fills the file that it is given.

    Attributes:
        was_asked: whether pooch wanted anything.
    """

    def __init__(self, remote: Remote, folder: Path, listener: Listener) -> None:
        self.was_asked = False
        self._remote = remote
        self._listener = listener
        self._part = folder / f"{remote.file}.part"
        self._about = folder / f"{remote.file}.part.json"

    def __call__(self, _url: str, output_file: Any, _pooch: Any, *, check_only: bool | None = False) -> None:
        """Fetch, as often as it takes."""
        assert not check_only
        self.was_asked = True
        if switch := offline_switch():
            raise FetchError(
                f"{self._remote.file}: is not in {self._part.parent}, and {switch} forbids to fetch it. Unset it, or "
                f"put the file there by hand; it comes from {public(self._remote.url)}."
            )
        failures = 0
        while True:
            before = self._size()
            try:
                self._go_on()
                break
            except _BrokenOffError as error:
                failures = 1 if self._size() - before >= PROGRESS else failures + 1
                if failures == ATTEMPTS:
                    raise FetchError(
                        f"{public(self._remote.url)}: could not be fetched: {error}. {self._size():,} bytes are kept; "
                        "the same command goes on from there. A mirror can be named with --base-url."
                    ) from error
                wait = FIRST_WAIT * 2 ** (failures - 1) if error.wait is None else error.wait
                self._listener.note(f"{error}; trying again in {wait:.0f} s, from byte {self._size():,}")
                time.sleep(wait)
        self._part.replace(output_file)
        self._about.unlink(missing_ok=True)

    def _size(self) -> int:
        try:
            return self._part.stat().st_size
        except OSError:
            return 0

    def _go_on(self) -> None:
        """Make one request, from where the part ends."""
        have = self._size()
        headers = {"User-Agent": f"hue-cli/{__version__}", "Accept-Encoding": "identity"}
        if have:
            validator = self._validator()
            if validator is None:  # of another server's file, or nobody knows of which
                have = 0
            else:
                headers["Range"] = f"bytes={have}-"
                if validator:
                    headers["If-Range"] = validator
        try:
            with requests.get(self._remote.url, headers=headers, stream=True, timeout=TIMEOUT) as response:
                self._receive(response, have)
        except requests.exceptions.SSLError as error:
            raise FetchError(f"{public(self._remote.url)}: the connection is not to be trusted ({error}).") from error
        except (
            requests.exceptions.ConnectionError,
            requests.exceptions.Timeout,
            requests.exceptions.ChunkedEncodingError,
        ) as error:
            host = urlsplit(self._remote.url).hostname
            reason = "does not answer" if self._size() == have else "broke the transfer off"
            raise _BrokenOffError(f"{host} {reason}") from error
        except requests.exceptions.RequestException as error:
            raise FetchError(f"{public(self._remote.url)}: cannot be fetched ({error}).") from error

    def _receive(self, response: requests.Response, have: int) -> None:
        """Write what a response brings behind the ``have`` bytes that are here."""
        status = response.status_code
        if status == 416:  # the part is as long as the file, or longer
            if _total(response) == have:
                return
            self._part.unlink(missing_ok=True)
            raise _BrokenOffError("the file has changed on the server", wait=0)
        if status in (408, 425, 429) or status >= 500:
            raise _BrokenOffError(f"the server answered {status} {response.reason}", wait=_retry_after(response))
        if status not in (200, 206):
            raise FetchError(
                f"{public(self._remote.url)}: the server answered {status} {response.reason}. The archive may have "
                "moved; a mirror can be named with --base-url."
            )
        if status == 206 and not response.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
            self._part.unlink(missing_ok=True)
            raise _BrokenOffError("the server sent another part than the one that was asked for", wait=0)
        if status == 200:
            have = 0
        total = _total(response)
        self._check(total, have)
        self._remember(response)
        with self._part.open("r+b" if have else "wb") as part:
            part.seek(have)
            part.truncate()
            for chunk in response.iter_content(_CHUNK):
                have += len(chunk)
                if self._remote.size is not None and have > self._remote.size:
                    raise self._wrong_size("more")
                part.write(chunk)
                self._listener.progress(self._remote.file, have, total or self._remote.size)
        if total is not None and have != total:
            raise _BrokenOffError(f"the transfer ended at {have:,} of {total:,} bytes")

    def _check(self, total: int | None, have: int) -> None:
        """See that it is as long as it should be, and that the disk holds it.

        Raises:
            FetchError: one of these is not so.
        """
        if None not in (total, self._remote.size) and total != self._remote.size:
            raise self._wrong_size(f"{total:,}")
        needed = (total or self._remote.size or 0) - have + self._remote.unpacked
        free = shutil.disk_usage(self._part.parent).free
        if needed + RESERVE > free:
            raise FetchError(
                f"{self._part.parent}: {needed / 2**30:.1f} GiB are needed for {self._remote.file} and what is in "
                f"it, {free / 2**30:.1f} GiB are free. Make room, or set HUE_DATA_DIR to another disk."
            )

    def _wrong_size(self, found: str) -> FetchError:
        self._part.unlink(missing_ok=True)
        return FetchError(
            f"{public(self._remote.url)}: expected an archive of {self._remote.size:,} bytes, found {found}. If its "
            "publisher has replaced it, give the new SHA-256 from a source that you trust with --sha256."
        )

    def _remember(self, response: requests.Response) -> None:
        """Write down which file the part is of."""
        etag = response.headers.get("ETag", "")
        # A weak tag does not promise the same bytes, and may not stand in If-Range.
        validator = response.headers.get("Last-Modified", "") if not etag or etag.startswith("W/") else etag
        self._about.write_text(json.dumps({"url": public(self._remote.url), "validator": validator}), encoding="utf-8")

    def _validator(self) -> str | None:
        """Return what the server said of the file that the part is of; None if it is of another URL's."""
        with suppress(OSError, ValueError, KeyError, TypeError):
            about = json.loads(self._about.read_text(encoding="utf-8"))
            if about["url"] == public(self._remote.url):
                return str(about["validator"])
        return None


def _total(response: requests.Response) -> int | None:
    """Return the length of the whole file that a response is about, where it says so."""
    if response.status_code in (206, 416):
        text = response.headers.get("Content-Range", "").rpartition("/")[2]
    else:
        text = response.headers.get("Content-Length", "")
    return int(text) if text.isdecimal() else None


def _retry_after(response: requests.Response) -> float | None:
    """Return the seconds that a server asks to be left alone, a minute at most."""
    text = response.headers.get("Retry-After", "")
    return min(60.0, float(text)) if text.isdecimal() else None

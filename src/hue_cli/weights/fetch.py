"""From the hub into the cache: checked before it appears there."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hue_cli.errors import WeightsError
from hue_cli.images.write import replacing
from hue_cli.weights import hub
from hue_cli.weights.cache import cache_folder, locked, note_fetched, read_fetched, remove_file, staging
from hue_cli.weights.hub_name import PREFIX
from hue_cli.weights.registry import HubFile, Weight
from hue_cli.weights.resolve import Absent, ModelFile

SUMS_NAME = "SHA256SUMS"

Accept = Callable[[bytes, str], Mapping[str, Any]]
"""Looks at a model's bytes, under a name for messages; returns what the file says about itself, or raises WeightsError
where it is no model of hue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """How a model is fetched.

    Attributes:
        accept: refuses what is no model of hue.
        on_wait: called where another process is fetching the same model.
        progress: whether the client may draw its bar.
    """

    accept: Accept
    on_wait: Callable[[], None] = lambda: None
    progress: bool = False


def fetch_model(absent: Absent, transfer: Transfer) -> ModelFile:
    """Fetch a model into the cache; safe beside other processes that do the same.

    The index's digest decides what is taken; without one, the repository's ``SHA256SUMS`` at the commit that the
    revision stands for now, which is noted so that the model stays what it was.

    Raises:
        WeightsError: offline, no such repository or file, broken off, or refused; the cache is then as it was.
        ImageError: the cache cannot be written.
    """
    with locked(absent.name, transfer.on_wait):
        # Asked even where the revision is a commit: it fails at once where a download would try for long.
        place = replace(absent.hub, revision=hub.find_commit(absent.hub))
        if (found := _fetched_before(absent, place)) is not None:
            return found
        with staging(absent.name) as folder:
            weight = absent.weight or _described_by_sums(absent.name, place, folder)
            path = hub.download(place, folder, progress=transfer.progress)
            content = path.read_bytes()
            _check(content, weight, place)
            facts = transfer.accept(content, absent.name)
            target = cache_folder() / weight.file
            with replacing(target) as file:
                file.write(content)
        if absent.name.startswith(PREFIX):
            weight = replace(
                weight,
                size=len(content),
                licence=str(facts.get("licence") or "not stated"),
                metrics=facts.get("metrics", {}),
                scored_on=str(facts.get("scored_on", "")),
            )
            before = read_fetched().get(absent.name)
            note_fetched(absent.name, weight)
            if before is not None and before.file != weight.file:
                _remove_unless_shared(before)
    return ModelFile(name=absent.name, path=target, weight=weight)


def _fetched_before(absent: Absent, place: HubFile) -> ModelFile | None:
    """Return the model if it is here already, for instance because another process fetched it while this one waited."""
    weight = absent.weight or read_fetched().get(absent.name)
    if weight is None or (absent.weight is None and weight.hub != place):
        return None
    model = ModelFile(name=absent.name, path=cache_folder() / weight.file, weight=weight)
    try:
        model.read()
    except WeightsError:
        return None
    return model


def _described_by_sums(name: str, place: HubFile, folder: Path) -> Weight:
    """Return what the repository's own list of digests says about its model.

    Raises:
        WeightsError: there is no list, or the model is not in it.
    """
    path = hub.download(replace(place, file=SUMS_NAME), folder)
    try:
        lines = [line.split(maxsplit=1) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        digests = {file.lstrip("*").removeprefix("./"): digest.lower() for digest, file in lines}
    except ValueError as error:  # undecodable, or a line without two words
        raise WeightsError(f"{place}: its {SUMS_NAME} is damaged ({error}).") from error
    digest = digests.get(place.file)
    if digest is None or len(digest) != hashlib.sha256().digest_size * 2:
        raise WeightsError(
            f"{place}: its {SUMS_NAME} states no digest of {place.file}, so that nothing says what the file must be."
        )
    return Weight(
        name=name,
        file=f"hub/{place.repo}/{place.revision}/{place.file}",
        size=0,
        sha256=digest,
        licence="",
        hub=place,
    )


def _check(content: bytes, weight: Weight, place: HubFile) -> None:
    """Refuse what is not the file that was promised.

    Raises:
        WeightsError: its digest is another.
    """
    found = hashlib.sha256(content).hexdigest()
    if found != weight.sha256:
        raise WeightsError(
            f"{place}: {place.file} is not the model {weight.name!r}: expected SHA-256 {weight.sha256}, found {found} "
            f"({len(content)} bytes). Nothing was kept."
        )


def remove_model(model: ModelFile) -> int:
    """Remove a fetched model from the cache; returns the bytes that this freed.

    Raises:
        WeightsError: it is not the cache's, but part of the package or the checkout.
    """
    if model.weight is None or not model.is_cached:
        raise WeightsError(f"{model.path}: {model.name!r} came with hue and is not in the cache; nothing was removed.")
    with locked(model.name):
        if model.name.startswith(PREFIX):
            note_fetched(model.name, None)
        return _remove_unless_shared(model.weight)


def _remove_unless_shared(weight: Weight) -> int:
    """Remove a file unless another name (a branch and a tag, for instance) stands for the same."""
    shared = any(other.file == weight.file for other in read_fetched().values())
    return 0 if shared else remove_file(weight.file)

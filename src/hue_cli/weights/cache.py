"""The folder of fetched models: where it is, what lies in it, and how two processes share it.

::

    models/
    ├── fetched.json                          models named hf:…, pinned to the commit of their first use
    ├── NAME/model.onnx                       a released model; the index of the package says what it must be
    └── hub/ORG/REPO/COMMIT/onnx/model.onnx   a model named hf:ORG/REPO

A model appears in one step, by a rename, when every check has passed. What is under way lies in ``.staging``.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hue_cli.errors import WeightsError
from hue_cli.images.write import replacing
from hue_cli.weights.registry import Weight, read_index

FETCHED_NAME = "fetched.json"

_LOCKS, _STAGING = ".locks", ".staging"
_REMEDY = "Delete it; the models that it lists are fetched again when they are used."


def cache_folder() -> Path:
    """Return where fetched models lie: ``$HUE_HOME/models``, else below the platform's cache."""
    if home := os.environ.get("HUE_HOME"):
        return Path(home).expanduser() / "models"
    import platformdirs

    return Path(platformdirs.user_cache_dir("hue", appauthor=False)) / "models"


def read_fetched() -> dict[str, Weight]:
    """Return the models named ``hf:…`` that were fetched, by name.

    Raises:
        WeightsError: the list of them is damaged.
    """
    path = cache_folder() / FETCHED_NAME
    return dict(read_index(path, _REMEDY).models) if path.is_file() else {}


def note_fetched(name: str, weight: Weight | None) -> None:
    """Put a model into the list of those named ``hf:…``, or take it out (None).

    Raises:
        WeightsError: the list is damaged, or the cache cannot be written.
    """
    with locked(FETCHED_NAME):
        models = read_fetched()
        models.pop(name, None)
        if weight is not None:
            models[name] = weight
        entries = {key: value.to_entry() for key, value in sorted(models.items())}
        with replacing(cache_folder() / FETCHED_NAME) as file:
            file.write((json.dumps({"models": entries}, indent=2, ensure_ascii=False) + "\n").encode())


def _as_file_name(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9.-]", "_", name)


@contextmanager
def locked(name: str, on_wait: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold the lock of a model; a second process waits here.

    Args:
        name: of the model.
        on_wait: called once if somebody else holds it.

    Raises:
        WeightsError: the cache cannot be written.
    """
    from filelock import FileLock, Timeout

    folder = cache_folder() / _LOCKS
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / f"{_as_file_name(name)}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            on_wait()
            lock.acquire()
    except OSError as error:
        raise WeightsError(
            f"{folder}: cannot be written ({error.strerror or error}). Set HUE_HOME to a folder that can."
        ) from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def staging(name: str) -> Iterator[Path]:
    """Give an empty folder for what is under way, and remove it whatever happens; the model's lock must be held."""
    folder = cache_folder() / _STAGING / _as_file_name(name)
    shutil.rmtree(folder, ignore_errors=True)  # of a process that was killed
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        with suppress(OSError):  # somebody else's is in it
            folder.parent.rmdir()


def remove_file(file: str) -> int:
    """Remove a file of the cache and the folders that it leaves empty; returns its bytes."""
    root = cache_folder()
    path = root / file
    size = path.stat().st_size if path.is_file() else 0
    path.unlink(missing_ok=True)
    for folder in path.parents:
        if folder == root or not folder.is_relative_to(root):
            break
        try:
            folder.rmdir()
        except OSError:
            break
    return size

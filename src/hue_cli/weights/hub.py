"""The Hugging Face hub, through its own client: the one module that speaks to a network.

The client brings progress, retries that resume, tokens and the variables ``HF_ENDPOINT``, ``HF_HUB_OFFLINE``,
``HF_TOKEN``, ``HF_HUB_DOWNLOAD_TIMEOUT``. What it raises becomes a sentence here.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from hue_cli.errors import WeightsError
from hue_cli.offline import offline_switch
from hue_cli.weights.registry import HubFile

if TYPE_CHECKING:
    from huggingface_hub import HfApi

_PUBLIC_ENDPOINT = "https://huggingface.co"


def endpoint() -> str:
    """Return the address of the hub: ``HF_ENDPOINT``, else the public one."""
    return os.environ.get("HF_ENDPOINT", _PUBLIC_ENDPOINT).rstrip("/")


def _client(*, progress: bool = False) -> HfApi:
    from huggingface_hub import HfApi
    from huggingface_hub.utils.tqdm import disable_progress_bars, enable_progress_bars

    from hue_cli import __version__

    if os.environ.get("HF_HUB_DISABLE_PROGRESS_BARS") is None:  # the user's own word counts
        (enable_progress_bars if progress else disable_progress_bars)()
    return HfApi(endpoint=endpoint(), library_name="hue", library_version=__version__)


def find_commit(place: HubFile) -> str:
    """Return the full commit that a revision stands for now.

    Raises:
        WeightsError: offline, or there is no such repository or revision.
    """
    with _sentences(place):
        commit = _client().model_info(place.repo, revision=place.revision).sha
    if not commit:
        raise WeightsError(f"{place}: {endpoint()} names no commit, so that nothing can be pinned. Is it a hub?")
    return commit


def download(place: HubFile, folder: Path, *, progress: bool = False) -> Path:
    """Download a file of a repository into a folder and return its path.

    Raises:
        WeightsError: offline, there is no such file, or the transfer broke off.
    """
    with _sentences(place):
        return Path(
            _client(progress=progress).hf_hub_download(
                place.repo, place.file, revision=place.revision, local_dir=folder
            )
        )


def upload(folder: Path, repo: str, *, private: bool, message: str, progress: bool = False) -> tuple[str, str]:
    """Put a folder's files into a repository, in one commit; the repository is made if there is none.

    Returns:
        The commit, and the address of the repository.

    Raises:
        WeightsError: offline, not allowed, or the transfer broke off.
    """
    place = HubFile(repo=repo, revision="main", file="")
    with _sentences(place):
        client = _client(progress=progress)
        url = client.create_repo(repo, private=private or None, exist_ok=True)
        commit = client.upload_folder(repo_id=repo, folder_path=folder, commit_message=message)
    return str(commit.oid), str(url)


@contextmanager
def _sentences(place: HubFile) -> Iterator[None]:
    """Turn what the client raises into a sentence."""
    if switch := offline_switch():
        raise WeightsError(
            f"{place}: not here, and {switch} forbids the network. Unset it, or copy the model here and name its path."
        )
    from huggingface_hub import errors

    try:
        yield
    except errors.GatedRepoError as error:
        raise WeightsError(
            f"{place}: access must be granted first. Ask for it at {endpoint()}/{place.repo}, then log in with: "
            "hf auth login"
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise WeightsError(
            f"{place}: {endpoint()} shows no such repository. Check the name; if it is private, log in with: "
            "hf auth login"
        ) from error
    except errors.RevisionNotFoundError as error:
        raise WeightsError(f"{place}: the repository has no revision {place.revision!r}.") from error
    except errors.LocalEntryNotFoundError as error:
        raise _unreachable(place, error) from error
    except errors.EntryNotFoundError as error:
        raise WeightsError(
            f"{place}: the repository has no file {place.file!r}, so it was not made by `hue models push`."
        ) from error
    except errors.HfHubHTTPError as error:
        status = getattr(error.response, "status_code", None)
        if status in (401, 403):
            raise WeightsError(f"{place}: {endpoint()} does not allow it ({status}). Log in: hf auth login") from error
        raise WeightsError(f"{place}: {endpoint()} answers with status {status}. Try again later.") from error
    except Exception as error:  # the HTTP library's own errors share no base with the client's, and it has changed once
        raise _unreachable(place, error) from error


def _unreachable(place: HubFile, error: Exception) -> WeightsError:
    reason = (str(error.__cause__ or error).strip().splitlines() or [type(error).__name__])[0]
    return WeightsError(
        f"{place}: could not be transferred from or to {endpoint()} ({reason[:200]}). "
        "Check the connection and try again; nothing was left half-done."
    )

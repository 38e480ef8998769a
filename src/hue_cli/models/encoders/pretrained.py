"""Where an encoder's ImageNet weights come from, and what is done if they cannot be had."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import torchvision
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from hue_cli.errors import UsageError, WeightsError
from hue_cli.models.encoders.imagenet import ImageNetEncoder, State
from hue_cli.models.encoders.library import NETWORKS, Library, check_state, rewrite_for_input
from hue_cli.recipes.specs import Encoder

AUTO = "auto"
"""ImageNet's weights if they can be had, else none, and a warning."""
IMAGENET = "imagenet"
NONE = "none"

Say = Callable[[str], None]


def find_encoder(network: nn.Module) -> ImageNetEncoder | None:
    """Return the part of a network that begins with ImageNet's weights; None if it has none."""
    return next((module for module in network.modules() if isinstance(module, ImageNetEncoder)), None)


def load_encoder(network: nn.Module, wanted: str, *, say: Say, warn: Say) -> str:
    """Fill a network's encoder, if it has one, and freeze what its paper freezes.

    Args:
        network: any; its encoder may sit anywhere in it.
        wanted: ``auto``, ``imagenet``, ``none`` or the path of a safetensors file.
        say: told what is fetched from where.
        warn: told that ``auto`` found nothing, and that the encoder is trained from scratch.

    Returns:
        What was loaded, for the run's description; ``none`` for an encoder that begins with nothing.

    Raises:
        WeightsError: what is wanted is missing, damaged or of another network, or cannot be fetched.
        UsageError: weights are wanted, and the network has no encoder.
    """
    encoder = find_encoder(network)
    if encoder is None:
        if wanted not in (AUTO, NONE):
            raise UsageError(f"--encoder-weights {wanted}: this network has no encoder. Leave the option out.")
        return NONE
    if wanted == NONE:
        return NONE
    if wanted not in (AUTO, IMAGENET):
        loaded = _load_file(encoder, Path(wanted))
    elif (local := _local_file(encoder.network)) is not None:
        loaded = _load_file(encoder, local)
    else:
        try:
            loaded = _load_own(encoder, say)
        except WeightsError as error:
            if wanted == IMAGENET:
                raise
            warn(f"{error} Training goes on without: the encoder begins from scratch, and nothing of it is frozen.")
            return NONE
    encoder.freeze()
    return loaded


def resume_encoder(network: nn.Module, loaded: str) -> str:
    """Freeze a network's encoder as :func:`load_encoder` did when the run began.

    Args:
        network: whose weights come from the run's state.
        loaded: what :func:`load_encoder` returned then.

    Returns:
        ``loaded``.
    """
    encoder = find_encoder(network)
    if encoder is not None and loaded != NONE:
        encoder.freeze()
    return loaded


def _local_file(name: Encoder) -> Path | None:
    home = os.environ.get("HUE_DATA_DIR")
    path = Path(home or "") / "pretrained" / f"{NETWORKS[name].file}.safetensors"
    return path if home is not None and path.is_file() else None


def _fill(encoder: ImageNetEncoder, state: State, *, from_file: bool) -> None:
    check_state(encoder.network, state)
    network = NETWORKS[encoder.network]
    made_for = (network.file_sees if from_file else None) or network.sees
    encoder.load_imagenet(rewrite_for_input(encoder.network, state, made_for, encoder.sees))


def _load_file(encoder: ImageNetEncoder, path: Path) -> str:
    network = NETWORKS[encoder.network]
    try:
        _fill(encoder, {name: value.float() for name, value in load_file(path).items()}, from_file=True)
    except (OSError, SafetensorError, RuntimeError) as error:
        raise WeightsError(
            f"{path}: expected ImageNet weights of {network.library}'s {encoder.network} as safetensors, found "
            f"something else ({' '.join(str(error).split()):.200}). Name another file with --encoder-weights, or train "
            "without: --encoder-weights none."
        ) from error
    return f"{path.name}, sha256 {hashlib.sha256(path.read_bytes()).hexdigest()}"


def _load_own(encoder: ImageNetEncoder, say: Say) -> str:
    """Fill it with the weights that its library publishes."""
    name = encoder.network
    library = NETWORKS[name].library
    say(f"fetching ImageNet weights of {name}, as {library} publishes them …")
    try:
        state, source = _timm_state(name) if library is Library.TIMM else _torchvision_state(name)
    except Exception as error:  # what the libraries' clients raise shares no other base
        raise WeightsError(
            f"{name}: {library}'s ImageNet weights cannot be fetched ({' '.join(str(error).split()):.160}). Put "
            f"{NETWORKS[name].file}.safetensors into HUE_DATA_DIR/pretrained/, name a file with "
            "--encoder-weights FILE, or train without: --encoder-weights none."
        ) from error
    _fill(encoder, state, from_file=False)
    return source


def _torchvision_state(name: Encoder) -> tuple[State, str]:
    weights = torchvision.models.get_model_weights(name.value).DEFAULT
    # The builder compares with the sha256 in the file's name, and knows names that older files have.
    state = torchvision.models.get_model(name.value, weights=weights, progress=False).state_dict()
    return state, f"torchvision {weights}"


def _timm_state(name: Encoder) -> tuple[State, str]:
    import timm
    from huggingface_hub import get_hf_file_metadata, hf_hub_url, try_to_load_from_cache

    config = timm.get_pretrained_cfg(name.value)
    if config is None or config.hf_hub_id is None:
        raise LookupError(f"timm {timm.__version__} knows no weights of it")
    hub = config.hf_hub_id
    if not isinstance(try_to_load_from_cache(hub, "model.safetensors"), str):
        # Without a network timm would try for three quarters of a minute.
        get_hf_file_metadata(hf_hub_url(hub, "model.safetensors"), timeout=10)
    return timm.create_model(name.value, pretrained=True).state_dict(), f"timm {hub}"

"""ImageNet weights find their way into an encoder, whatever input they were trained for; without them it trains on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from hue_cli.color.space import Signal
from hue_cli.errors import UsageError, WeightsError
from hue_cli.models.build import build_network
from hue_cli.models.encoders import pretrained
from hue_cli.models.encoders.embedding import Embedding
from hue_cli.models.encoders.imagenet import CENTRED, PLAIN, STANDARD, ImageNetEncoder, Normalisation, State
from hue_cli.models.encoders.library import NETWORKS, Library, build, check_state, rewrite_for_input
from hue_cli.models.encoders.mobilenet_v2 import MobileNetV2Encoder
from hue_cli.models.encoders.pretrained import find_encoder, load_encoder, resume_encoder
from hue_cli.models.encoders.vgg import VggEncoder
from hue_cli.recipes import RECIPES
from hue_cli.recipes.schema import Recipe
from hue_cli.recipes.specs import Encoder


class _Network(nn.Module):
    """An encoder that is not where hue-s has its own."""

    def __init__(self, frozen: int = 0) -> None:
        super().__init__()
        self.inner = nn.ModuleList([nn.Conv2d(3, 3, 1), MobileNetV2Encoder(frozen)])


def _warn(text: str) -> None:
    raise AssertionError(text)


def _ignore(_: str) -> None:
    """Listen to nothing."""


def _load(network: nn.Module, wanted: str) -> str:
    return load_encoder(network, wanted, say=_ignore, warn=_warn)


def _imagenet_like(name: Encoder, seed: int) -> nn.Module:
    """The library's network with random weights and statistics of its own."""
    torch.manual_seed(seed)
    network = build(name, classes=3).train()
    network(torch.randn(4, 3, 64, 64))
    return network.eval()


def _save(network: nn.Module, path: Path) -> Path:
    save_file({name: value.contiguous() for name, value in network.state_dict().items()}, path)
    return path


def test_a_file_s_weights_are_the_encoder_s(tmp_path: Path) -> None:
    theirs = _imagenet_like(Encoder.MOBILENET_V2, 1)
    network = _Network()
    said = _load(network, str(_save(theirs, tmp_path / "w.safetensors")))
    encoder = find_encoder(network.eval())
    x = torch.randn(1, 3, 64, 96)
    assert isinstance(encoder, MobileNetV2Encoder)
    with torch.no_grad():
        maps, top = encoder(x)
        features = theirs.get_submodule("features")(x)

    assert said.startswith("w.safetensors, sha256 ")
    torch.testing.assert_close(top, features.mean(dim=(2, 3), keepdim=True))
    assert [(m.shape[1], m.shape[2]) for m in maps] == [(24, 16), (32, 8), (96, 4), (320, 2)]


def test_the_folder_of_pretrained_weights_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pretrained").mkdir()
    _save(_imagenet_like(Encoder.MOBILENET_V2, 1), tmp_path / "pretrained" / "mobilenet_v2_imagenet.safetensors")
    monkeypatch.setenv("HUE_DATA_DIR", str(tmp_path))

    for wanted in ("auto", "imagenet"):
        assert _load(_Network(), wanted).startswith("mobilenet_v2_imagenet.safetensors, sha256 ")


def _activations(network: nn.Module, layer: str, x: Tensor) -> Tensor:
    found: list[Tensor] = []
    hook = network.get_submodule(layer).register_forward_hook(lambda _m, _i, output: found.append(output))
    with torch.no_grad():
        network(x)
    hook.remove()
    return found[0]


@pytest.mark.parametrize("made_for", [STANDARD, CENTRED])
@pytest.mark.parametrize("sees", [CENTRED, PLAIN, STANDARD])
@pytest.mark.parametrize("name", [Encoder.MOBILENET_V2, Encoder.VGG16])
def test_the_same_function_of_a_picture_that_is_scaled_otherwise(
    name: Encoder, made_for: Normalisation, sees: Normalisation
) -> None:
    theirs: nn.Module
    ours: nn.Module
    if name is Encoder.VGG16:
        # The whole of it is half a gigabyte.
        theirs, ours = (nn.Sequential() for _ in range(2))
        for network in (theirs, ours):
            network.add_module("features", nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU()))
        layer = "features"
    else:
        theirs, ours = _imagenet_like(name, 2), _imagenet_like(name, 3)
        layer = "features.0"
    ours.load_state_dict(rewrite_for_input(name, theirs.state_dict(), made_for, sees))
    rgb = torch.rand(1, 3, 64, 64)

    def shown(scaled: Normalisation) -> Tensor:
        mean, deviation = (torch.tensor(v).view(1, 3, 1, 1) for v in scaled)
        return (rgb - mean) / deviation

    expected = _activations(theirs, layer, shown(made_for))
    found = _activations(ours, layer, shown(sees))

    # The border differs: padding with zeros is another shade of grey there.
    inside = (slice(None), slice(None), slice(1, -1), slice(1, -1))
    torch.testing.assert_close(found[inside], expected[inside], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("content", [b"", b"not safetensors", None])
def test_a_damaged_or_missing_file_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "w.safetensors"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(WeightsError, match=r"w\.safetensors: expected ImageNet weights of torchvision's mobilenet_v2"):
        _load(_Network(), str(path))


def test_another_network_s_weights_are_refused(tmp_path: Path) -> None:
    path = _save(_imagenet_like(Encoder.RESNET18, 4), tmp_path / "w.safetensors")

    with pytest.raises(WeightsError, match=r"mobilenet_v2.*bn1\.bias: expected nothing, found 64"):
        _load(_Network(), str(path))


def test_a_classifier_is_taken_whole_and_frozen_whole(tmp_path: Path) -> None:
    theirs = build(Encoder.MOBILENET_V1)
    embedding = Embedding(Encoder.MOBILENET_V1, 32)
    _load(embedding, str(_save(theirs, tmp_path / "w.safetensors")))
    found = embedding.classifier.state_dict()

    assert found.keys() == theirs.state_dict().keys()
    assert all(torch.equal(found[name], value) for name, value in theirs.state_dict().items())
    assert not any(parameter.requires_grad for parameter in embedding.parameters())
    assert not embedding.train().classifier.training
    assert not embedding(torch.rand(1, 1, 32, 32)).requires_grad
    other = build(Encoder.MOBILENET_V1, classes=1001)
    with pytest.raises(WeightsError, match=r"mobilenetv1_100 .*size mismatch for classifier\.weight"):
        _load(embedding, str(_save(other, tmp_path / "other.safetensors")))


def test_vgg_takes_its_convolutions_and_freezes_all_but_the_first(tmp_path: Path) -> None:
    theirs = VggEncoder(Encoder.VGG16).features
    state = {f"features.{name}": value for name, value in theirs.state_dict().items()}
    save_file(state, tmp_path / "w.safetensors")
    encoder = VggEncoder(Encoder.VGG16, trained=1)
    _load(encoder, str(tmp_path / "w.safetensors"))
    found = encoder.features.state_dict()

    # The first is made for another input.
    assert all(torch.equal(found[name], value) for name, value in theirs.state_dict().items() if name[:2] != "0.")
    torch.testing.assert_close(found["0.weight"][:, 0], theirs.state_dict()["0.weight"][:, 0] * 0.5 / 0.229)
    learning = [name for name, parameter in encoder.named_parameters() if parameter.requires_grad]
    assert learning == ["features.0.weight", "features.0.bias"]


@pytest.mark.parametrize("name", RECIPES)
def test_recipes_show_encoders_what_they_expect(name: str, tiny: Callable[[Recipe], Recipe]) -> None:
    recipe = tiny(RECIPES[name])
    encoder = find_encoder(build_network(recipe.net))
    sees = recipe.space.sees
    white = 100 if sees.signal is Signal.LIGHTNESS else 1

    if encoder is not None:
        assert encoder.sees == ((sees.centre / white,) * 3, (sees.scale / white,) * 3)


@pytest.mark.parametrize("name", list(Encoder))
def test_every_network_s_own_weights_pass_and_others_do_not(name: Encoder) -> None:
    with torch.device("meta"):
        theirs = build(name, classes=1001).state_dict()
    network = NETWORKS[name]
    first = theirs[f"{network.convolution}.weight"]

    check_state(name, theirs)
    assert first.shape[1] == 3
    assert (f"{network.convolution}.bias" in theirs) == (network.norm is None)
    assert any(key.startswith(network.head) for key in theirs)
    with pytest.raises(RuntimeError, match="expected"):
        check_state(name, {**theirs, f"{network.convolution}.weight": first[:, :1]})
    with pytest.raises(RuntimeError, match="found nothing"):
        check_state(name, {key: value for key, value in theirs.items() if key != f"{network.convolution}.weight"})


@pytest.mark.parametrize("name", [name for name in Encoder if NETWORKS[name].library is Library.TIMM])
def test_timm_s_own_record_of_the_input_agrees(name: Encoder) -> None:
    import timm

    config = timm.get_pretrained_cfg(name.value)

    assert config is not None
    assert (config.mean, config.std) == NETWORKS[name].sees
    assert config.first_conv == NETWORKS[name].convolution


@pytest.mark.parametrize("name", [name for name in Encoder if NETWORKS[name].library is Library.TORCHVISION])
def test_torchvision_s_own_record_of_the_input_agrees(name: Encoder) -> None:
    import torchvision

    preset = torchvision.models.get_model_weights(name.value).DEFAULT.transforms()

    assert (tuple(preset.mean), tuple(preset.std)) == NETWORKS[name].sees


def _no_network(name: Encoder) -> tuple[State, str]:
    raise OSError("Name or service not known")


def test_what_cannot_be_fetched_is_a_warning_unless_it_is_insisted_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HUE_DATA_DIR", raising=False)
    monkeypatch.setattr(pretrained, "_torchvision_state", _no_network)
    network = _Network(frozen=4)
    said: list[str] = []
    warnings: list[str] = []

    assert load_encoder(network, "auto", say=said.append, warn=warnings.append) == "none"
    assert said == ["fetching ImageNet weights of mobilenet_v2, as torchvision publishes them …"]
    assert len(warnings) == 1
    assert "cannot be fetched (Name or service not known)" in warnings[0]
    assert "from scratch" in warnings[0]
    assert all(parameter.requires_grad for parameter in network.parameters())
    with pytest.raises(WeightsError, match="HUE_DATA_DIR/pretrained/"):
        _load(_Network(), "imagenet")


def test_the_library_s_own_weights_are_rewritten_for_the_encoder_s_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HUE_DATA_DIR", raising=False)
    theirs = _imagenet_like(Encoder.MOBILENET_V2, 5)
    monkeypatch.setattr(pretrained, "_torchvision_state", lambda name: (theirs.state_dict(), f"torchvision {name}"))
    network = _Network()

    assert _load(network, "imagenet") == "torchvision mobilenet_v2"
    encoder = find_encoder(network.eval())
    assert encoder is not None
    grey = torch.full((1, 3, 64, 64), 0.3)
    mean, deviation = (torch.tensor(v).view(1, 3, 1, 1) for v in STANDARD)
    with torch.no_grad():
        expected = theirs.get_submodule("features.0")((grey - mean) / deviation)
        found = encoder.get_submodule("features.0")(grey * 2 - 1)
    torch.testing.assert_close(found[:, :, 1:, 1:], expected[:, :, 1:, 1:], atol=1e-4, rtol=1e-4)


def test_frozen_is_what_has_imagenet_s_weights(tmp_path: Path) -> None:
    path = _save(_imagenet_like(Encoder.MOBILENET_V2, 6), tmp_path / "w.safetensors")

    def frozen(network: nn.Module) -> set[str]:
        return {name.split(".")[3] for name, p in network.named_parameters() if not p.requires_grad}

    scratch, begun, resumed = (_Network(frozen=2) for _ in range(3))
    assert _load(scratch, "none") == "none"
    loaded = _load(begun, str(path))

    assert frozen(scratch) == frozen(resumed) == set()
    assert frozen(begun) == {"0", "1"}
    assert resume_encoder(resumed, loaded) == loaded
    assert frozen(resumed) == frozen(begun)
    assert resume_encoder(scratch, "none") == "none"
    assert frozen(scratch) == set()


class _Normed(ImageNetEncoder):
    network = Encoder.RESNET18
    sees = STANDARD

    def __init__(self) -> None:
        super().__init__()
        self.kept = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))
        self.trained = nn.BatchNorm2d(4)

    def load_imagenet(self, state: State) -> None:
        """Take nothing."""

    def frozen_parts(self) -> list[nn.Module]:
        return [self.kept]

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.trained(self.kept(x))
        return out


def test_the_statistics_of_frozen_parts_stay_too() -> None:
    encoder = _Normed()
    encoder.freeze()
    before = {name: value.clone() for name, value in encoder.state_dict().items()}

    encoder.train()
    encoder(torch.rand(2, 3, 8, 8)).sum().backward()

    after = encoder.state_dict()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed == {"trained.running_mean", "trained.running_var", "trained.num_batches_tracked"}
    assert encoder.kept[0].weight.grad is None
    assert encoder.training
    assert not encoder.kept.training


def test_networks_without_an_encoder_need_nothing_and_refuse_what_is_asked() -> None:
    network = nn.Conv2d(1, 1, 1)

    assert _load(network, "auto") == _load(network, "none") == "none"
    with pytest.raises(UsageError, match="no encoder"):
        _load(network, "imagenet")

"""The seven systems of paper 002, against its text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from hue_cli.color.space import Signal
from hue_cli.losses.regression import loss_terms
from hue_cli.models.build import build_network, count_parameters
from hue_cli.models.colorizer import Colorizer
from hue_cli.models.encoders.embedding import Embedding
from hue_cli.models.encoders.library import build
from hue_cli.models.encoders.pretrained import find_encoder
from hue_cli.models.encoders.vgg import VggEncoder
from hue_cli.models.koalarization import DeepKoalarization, Koalarization
from hue_cli.recipes import RECIPES
from hue_cli.recipes.schema import LossTerm, Schedule
from hue_cli.recipes.specs import Convolution, Encoder, KoalarizationSpec, NetSpec, VggAutoencoderSpec, VggUNetSpec

KOALAS = ["koalarization", "koalarization-deep", "koalarization-bn", "koalarization-bn-l2", "koalarization-bn-dropout"]
NAMES = [*KOALAS, "vgg16", "vgg19-unet"]
BASE = RECIPES["koalarization"]


def _with_a_small_classifier(name: str) -> KoalarizationSpec:
    """The paper's own widths; only what tells what is in the picture is another."""
    spec = RECIPES[name].net
    assert isinstance(spec, KoalarizationSpec)
    return replace(spec, embedding=Encoder.MOBILENET_V1, embedding_size=32)


@pytest.mark.parametrize("name", NAMES)
def test_training_is_as_printed(name: str) -> None:
    recipe = RECIPES[name]

    assert recipe.loss.terms == ((LossTerm.MSE, 1.0),)
    assert (recipe.optim.lr, recipe.optim.schedule, recipe.optim.decay) == (1e-4, Schedule.EXPONENTIAL, 0.9)
    assert recipe.optim.l2 == (0.01 if name == "koalarization-bn-l2" else 0)
    assert recipe.batch_size == 64
    split = recipe.split
    assert (split.dataset, split.train + split.val + split.test) == ("mirflickr25k", 25000)
    assert split.val == split.test == 25000 * 5 / 100
    assert recipe.source.figures == {}
    assert recipe.source.curves == (() if name in ("koalarization-deep", "vgg16", "vgg19-unet") else ("psnr", "ssim"))


@pytest.mark.parametrize("name", NAMES)
def test_lightness_is_seen_in_minus_one_to_one(name: str) -> None:
    recipe = RECIPES[name]
    seen = Colorizer(nn.Identity(), recipe.space).see(torch.tensor([0.0, 100.0])[:, None, None, None])

    assert recipe.space.sees.signal is Signal.LIGHTNESS
    assert recipe.space.paints.signal is Signal.AB
    assert seen.shape[1] == (3 if name.startswith("vgg") else 1)
    assert seen[:, 0].flatten().tolist() == [-1, 1]


def test_variants_are_their_base_and_what_the_paper_changed() -> None:
    def differs(name: str, base: str) -> set[str]:
        ours, theirs = RECIPES[name].to_dict(), RECIPES[base].to_dict()
        return {key for key in ours if ours[key] != theirs[key]} - {"name", "summary", "source", "departures"}

    assert differs("koalarization-deep", "koalarization") == {"net"}
    assert differs("koalarization-bn", "koalarization") == {"net"}
    assert differs("koalarization-bn-l2", "koalarization-bn") == {"optim"}
    assert differs("koalarization-bn-dropout", "koalarization-bn") == {"net"}


def _watch(network: nn.Module, kinds: tuple[type[nn.Module], ...], run: Callable[[], Tensor]) -> list[tuple[int, ...]]:
    """Channels and sides after each layer of these kinds."""
    found: list[tuple[int, ...]] = []
    hooks = [
        layer.register_forward_hook(lambda _module, _inputs, output: found.append(tuple(output.shape[1:])))
        for layer in network.modules()
        if isinstance(layer, kinds)
    ]
    with torch.no_grad():
        run()
    for hook in hooks:
        hook.remove()
    return found


@pytest.mark.parametrize("name", ["koalarization", "koalarization-bn"])
def test_koalarization_has_the_shapes_of_section_2_4(name: str) -> None:
    network = build_network(_with_a_small_classifier(name)).eval()
    assert isinstance(network, Koalarization)
    x = torch.rand(1, 1, 32, 64) * 2 - 1
    given: list[Tensor] = []
    network.fusion.register_forward_hook(lambda _module, inputs, _output: given.append(inputs[0]))

    encoder = _watch(network.encoder, (nn.Sequential,), lambda: network.encoder(x))[:-1]
    decoder = _watch(network.decoder, (nn.Conv2d, nn.Upsample), lambda: network(x))

    assert encoder == [
        *((64, 16, 32), (128, 16, 32), (128, 8, 16), (256, 8, 16)),
        *((256, 4, 8), (512, 4, 8), (512, 4, 8), (256, 4, 8)),
    ]
    # H/8 × W/8 × 1256: the same opinion at every place.
    assert given[0].shape == (1, 1256, 4, 8)
    assert torch.equal(given[0][:, 256:], given[0][:, 256:, :1, :1].expand(-1, -1, 4, 8))
    assert network.fusion.get_parameter("0.weight").shape == (256, 1256, 1, 1)
    assert decoder == [
        *((128, 4, 8), (128, 8, 16), (64, 8, 16), (64, 8, 16)),
        *((64, 16, 32), (32, 16, 32), (2, 16, 32), (2, 32, 64)),
    ]
    with torch.no_grad():
        assert network(x).abs().max() <= 1


@pytest.mark.parametrize(
    ("name", "own", "of_imagenet"),
    [
        ("koalarization", 6_573_794, 55_843_464),
        ("koalarization-deep", 14_808_772, 55_843_464),
        ("koalarization-bn", 6_576_452, 55_843_464),
        ("vgg16", 1_572_114, 14_714_688),
        ("vgg19-unet", 10_365_442, 20_024_384),
    ],
)
def test_parameters_are_those_of_the_page(name: str, own: int, of_imagenet: int) -> None:
    with torch.device("meta"):
        network = build_network(RECIPES[name].net)
    encoder = find_encoder(network)
    assert encoder is not None
    page = (Path(__file__).parents[2] / "docs" / "models" / "koalarization.md").read_text(encoding="utf-8")

    assert count_parameters(encoder) == of_imagenet
    assert count_parameters(network) == own + of_imagenet
    assert f"| {own + of_imagenet:,} | {of_imagenet:,} |" in page


def _kinds(network: nn.Module) -> list[str]:
    return [type(layer).__name__ for layer in network.modules() if not list(layer.children())]


def _own_layers(name: str) -> list[str]:
    """The layers of the paper's own network, in order, without the classifier's."""
    network = build_network(_with_a_small_classifier(name))
    return [kind for part in ("encoder", "fusion", "decoder") for kind in _kinds(network.get_submodule(part))]


def test_the_baseline_strides_and_knows_no_norm() -> None:
    layers = _own_layers("koalarization")
    network = build_network(_with_a_small_classifier("koalarization"))
    strides = [layer.stride[0] for layer in network.get_submodule("encoder").modules() if isinstance(layer, nn.Conv2d)]

    assert strides == [2, 1, 2, 1, 2, 1, 1, 1]
    assert set(layers) == {"Conv2d", "ReLU", "Upsample", "Tanh"}
    assert layers[-2:] == ["Tanh", "Upsample"]


def test_batch_norm_stands_before_every_activation_and_pooling_in_place_of_strides() -> None:
    layers = _own_layers("koalarization-bn")
    network = build_network(_with_a_small_classifier("koalarization-bn"))
    encoder = network.get_submodule("encoder")

    assert layers.count("BatchNorm2d") == layers.count("Conv2d") == 14
    for before, norm, after in zip(layers, layers[1:], layers[2:], strict=False):
        if norm == "BatchNorm2d":
            assert (before, after) in {("Conv2d", "ReLU"), ("Conv2d", "Tanh")}
    assert {layer.stride for layer in encoder.modules() if isinstance(layer, nn.Conv2d)} == {(1, 1)}
    assert [_kinds(block) for block in encoder.children()][:2] == [
        ["Conv2d", "BatchNorm2d", "ReLU", "MaxPool2d"],
        ["Conv2d", "BatchNorm2d", "ReLU"],
    ]
    assert layers.count("MaxPool2d") == 3


def test_every_other_block_drops_whole_channels() -> None:
    network = build_network(_with_a_small_classifier("koalarization-bn-dropout"))
    parts = [network.get_submodule(part) for part in ("encoder", "fusion", "decoder")]
    blocks = [*parts[0].children(), parts[1], *list(parts[2].children())[:-1]]
    dropouts = [layer for layer in network.modules() if isinstance(layer, nn.Dropout2d)]

    assert [index for index, block in enumerate(blocks, 1) if "Dropout2d" in _kinds(block)] == [2, 4, 6, 8, 10, 12]
    assert {layer.p for layer in dropouts} == {0.2}
    with torch.no_grad():
        dropped = dropouts[0].train()(torch.ones(1, 200, 3, 3)).amax(dim=(2, 3))
    assert set(dropped.flatten().tolist()) == {0.0, 1.25}


def test_the_deeper_network_looks_at_its_picture_again() -> None:
    network = build_network(_with_a_small_classifier("koalarization-deep")).eval()
    assert isinstance(network, DeepKoalarization)
    x = torch.rand(1, 1, 32, 32) * 2 - 1
    seen: list[Tensor] = []
    network.encoder.register_forward_hook(lambda _module, inputs, _output: seen.append(inputs[0]))

    shapes = _watch(network.encoder, (nn.Conv2d,), lambda: network(x))

    with torch.no_grad():
        torch.testing.assert_close(seen[0], torch.cat([x, network.first(x)], dim=1))
    assert shapes == [(64, 16, 16), (128, 8, 8), (256, 4, 4), (1024, 4, 4)]
    assert network.encoder.get_submodule("3.0").kernel_size == (5, 5)
    assert len(network.encoder) < len(network.first.encoder)


def test_the_embedding_is_a_classifier_s_opinion_of_the_picture_in_a_square() -> None:
    embedding = Embedding(Encoder.MOBILENET_V1, 32).eval()
    x = torch.rand(2, 1, 48, 96) * 2 - 1
    square = nn.functional.interpolate(x, (32, 32), mode="bilinear").expand(-1, 3, -1, -1)

    with torch.no_grad():
        torch.testing.assert_close(embedding(x), embedding.classifier(square))
    assert embedding(x).shape == (2, 1000)
    assert isinstance(BASE.net, KoalarizationSpec)
    assert (BASE.net.embedding, BASE.net.embedding_size) == (Encoder.INCEPTION_RESNET_V2, 299)


@pytest.mark.slow
def test_inception_resnet_v2_gives_a_thousand_logits() -> None:
    network = build_network(BASE.net).eval()
    assert isinstance(network, Koalarization)

    with torch.no_grad():
        assert network.embedding(torch.rand(1, 1, 224, 224)).shape == (1, 1000)
        assert network(torch.rand(1, 1, 64, 96)).shape == (1, 2, 64, 96)


def test_vgg16_is_decoded_from_7_times_7_times_512() -> None:
    network = build_network(RECIPES["vgg16"].net).eval()
    decoder = network.get_submodule("decoder")
    given: list[Tensor] = []
    decoder.register_forward_hook(lambda _module, inputs, _output: given.append(inputs[0]))

    shapes = _watch(decoder, (nn.Conv2d,), lambda: network(torch.rand(1, 3, 224, 224)))

    assert given[0].shape == (1, 512, 7, 7)
    assert shapes == [(256, 7, 7), (128, 14, 14), (64, 28, 28), (32, 56, 56), (16, 112, 112), (2, 224, 224)]
    assert _kinds(decoder)[-2:] == ["Conv2d", "Tanh"]


def test_vgg19_unet_has_four_blocks_that_join_the_encoder_s_maps() -> None:
    network = build_network(RECIPES["vgg19-unet"].net).eval()
    x = torch.rand(1, 3, 32, 64)

    ups = _watch(network.get_submodule("ups"), (nn.ConvTranspose2d, nn.Conv2d), lambda: network(x))
    bridge = _kinds(network.get_submodule("bridge"))
    joined = [layer.in_channels for layer in network.get_submodule("ups").modules() if isinstance(layer, nn.Conv2d)]

    assert ups == [
        *((512, 4, 8), (512, 4, 8)),
        *((256, 8, 16), (256, 8, 16)),
        *((128, 16, 32), (128, 16, 32)),
        *((64, 32, 64), (64, 32, 64)),
    ]
    assert joined == [512 + 512, 256 + 256, 128 + 128, 64 + 64]
    assert bridge == ["Conv2d", "ReLU"]
    for layer in network.get_submodule("ups").modules():
        if isinstance(layer, nn.ConvTranspose2d):
            assert (layer.kernel_size, layer.stride) == ((2, 2), (2, 2))
    with torch.no_grad():
        painted = network(x)
    assert painted.shape == (1, 2, 32, 64)
    assert painted.abs().max() <= 1
    assert network.get_submodule("paint").get_parameter("weight").shape == (2, 64, 1, 1)


@pytest.mark.parametrize(("name", "convolutions"), [(Encoder.VGG16, 13), (Encoder.VGG19, 16)])
def test_vgg_is_torchvision_s_but_for_its_linear_layers(name: Encoder, convolutions: int) -> None:
    encoder = VggEncoder(name)
    with torch.device("meta"):
        theirs = build(name).get_submodule("features")
    state = {f"features.{key}": torch.rand_like(value) for key, value in encoder.features.state_dict().items()}

    assert sum(isinstance(layer, nn.Conv2d) for layer in encoder.features) == convolutions
    assert {key: value.shape for key, value in encoder.features.state_dict().items()} == {
        key: value.shape for key, value in theirs.state_dict().items()
    }
    encoder.load_imagenet({**state, "classifier.0.weight": torch.zeros(1)})
    assert torch.equal(encoder.features.get_parameter("0.weight"), state["features.0.weight"])
    with pytest.raises(RuntimeError, match=r"0\.weight"):
        encoder.load_imagenet({key: value for key, value in state.items() if key != "features.0.weight"})


def test_vgg_s_fresh_weights_pass_a_picture_on() -> None:
    """Sixteen layers without a norm: with PyTorch's usual ones nothing of it would arrive."""
    torch.manual_seed(1)
    with torch.no_grad():
        maps = VggEncoder(Encoder.VGG19)(torch.randn(1, 3, 32, 32))

    assert [tuple(each.shape[1:]) for each in maps] == [
        *((64, 32, 32), (128, 16, 16), (256, 8, 8), (512, 4, 4), (512, 2, 2)),
    ]
    assert all(0.02 < each.std() < 100 for each in maps)


@pytest.mark.parametrize("name", ["koalarization", "koalarization-deep", "vgg16", "vgg19-unet"])
def test_fresh_weights_are_keras_s(name: str) -> None:
    network = build_network(_small(name))
    encoder = find_encoder(network)
    assert encoder is not None
    pretrained = set(encoder.modules())

    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d) and layer not in pretrained:
            fans = nn.init._calculate_fan_in_and_fan_out(layer.weight)
            bound = (6 / sum(fans)) ** 0.5
            assert 0.7 * bound < layer.weight.abs().max() <= bound
            assert layer.bias is not None
            assert not layer.bias.any()


def _small(name: str) -> NetSpec:
    """The same system in widths that learn one batch in a second."""

    def narrow(layers: tuple[Convolution, ...]) -> tuple[Convolution, ...]:
        return tuple(replace(layer, channels=min(layer.channels, 24)) for layer in layers)

    match RECIPES[name].net:
        case KoalarizationSpec() as spec:
            return replace(
                _with_a_small_classifier(name),
                encoder=narrow(spec.encoder),
                fusion=24,
                decoder=narrow(spec.decoder),
                second=narrow(spec.second),
            )
        case VggAutoencoderSpec() as spec:
            return replace(spec, widths=(16, 16, 16, 16, 16))
        case VggUNetSpec() as spec:
            return replace(spec, bridge=16, widths=(16, 16, 16, 16))
        case other:
            raise AssertionError(other)


# Name, steps, learning rate, what is not frozen of an encoder that has ImageNet's weights. One that differs in its
# optimiser alone has its sister's network.
LEARNING = [
    ("koalarization", 40, 3e-3, 0),
    ("koalarization-deep", 40, 3e-3, 0),
    ("koalarization-bn", 40, 3e-3, 0),
    ("koalarization-bn-dropout", 40, 3e-3, 0),
    ("vgg16", 20, 3e-3, 2),
    ("vgg19-unet", 6, 1e-3, 2 * 16),
]


@pytest.mark.parametrize(("name", "steps", "lr", "learning"), LEARNING)
def test_one_batch_is_learned_and_what_is_frozen_stays(name: str, steps: int, lr: float, learning: int) -> None:
    """As with ImageNet's weights: Inception frozen, VGG-16 but for its first layer, VGG-19 not at all."""
    recipe = RECIPES[name]
    with torch.random.fork_rng():
        torch.manual_seed(1)
        network = build_network(_small(name))
        grey = torch.linspace(-0.9, 0.9, 4)[:, None, None, None] + 0.1 * torch.randn(4, 1, 32, 32)
        grey = grey.expand(-1, recipe.space.sees.channels, -1, -1)
        truth = (torch.rand(4, 2, 1, 1) - 0.5).expand(-1, -1, 32, 32)
        encoder = find_encoder(network)
        assert encoder is not None
        encoder.freeze()
        network.train()
        before = {key: value.clone() for key, value in network.state_dict().items()}
        optimizer = torch.optim.Adam([p for p in network.parameters() if p.requires_grad], lr=lr)
        losses = []
        for _ in range(steps):
            (loss,) = loss_terms(recipe.loss, network(grey), truth).values()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())

    changed = {key for key, value in network.state_dict().items() if not torch.equal(value, before[key])}
    of_encoder = {key for key in changed if ".classifier." in key or key.startswith("encoder.features.")}
    assert len(of_encoder) == learning
    assert name != "vgg16" or of_encoder == {"encoder.features.0.weight", "encoder.features.0.bias"}
    assert len(changed) > learning
    assert min(losses[-5:]) < 0.6 * losses[0]

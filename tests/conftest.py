"""What several rooms' tests need: tiny networks in run folders, a tiny ONNX file, a web server."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import hypothesis
import pytest

from hue_cli.infer.contract import INPUT_NAME, METADATA_KEY, OUTPUT_NAME, Contract
from hue_cli.recipes.schema import Recipe, SizeRule
from hue_cli.recipes.specs import (
    ColorGanSpec,
    Convolution,
    ConvolutionListSpec,
    DeepColorSpec,
    DeepColorUNetSpec,
    Encoder,
    GamutClassifierSpec,
    KoalarizationSpec,
    NetSpec,
    ResNet18AutoencoderSpec,
    VggAutoencoderSpec,
    VggUNetSpec,
)

if TYPE_CHECKING:
    from torch import Tensor, nn

# Tests do not time things: a busy machine is no failure.
hypothesis.settings.register_profile("hue", deadline=None)
hypothesis.settings.load_profile("hue")

WriteRun = Callable[[Recipe, Path], Path]


def _narrow(layers: tuple[Convolution, ...], channels: int) -> tuple[Convolution, ...]:
    """The same layers with so many channels at most."""
    return tuple(replace(layer, channels=min(layer.channels, channels)) for layer in layers)


def shrink(recipe: Recipe) -> Recipe:
    """The same system with a few channels, and as few halvings as it can have: small enough for a test."""
    few = SizeRule(size=20, multiple_of=4, minimum=4)
    match recipe.net:
        case GamutClassifierSpec():
            net: NetSpec = replace(recipe.net, widths=(8, 8, 8, 8), cell=30.0)
            return replace(recipe, net=net, size=replace(recipe.size, size=96))
        case ConvolutionListSpec():
            net = replace(recipe.net, layers=_narrow(recipe.net.layers, 4))
            return replace(recipe, net=net, size=replace(recipe.size, size=24))
        case ColorGanSpec():
            net = replace(recipe.net, widths=(4, 6), critic_widths=(4, 6, 8))
        case DeepColorUNetSpec():
            net = replace(recipe.net, widths=(4, 6))
        case DeepColorSpec():
            # The encoder is a library's: its size stays.
            net = replace(recipe.net, decoder=_narrow(recipe.net.decoder, 4))
            return replace(recipe, net=net, size=replace(recipe.size, size=64))
        case ResNet18AutoencoderSpec():
            return replace(recipe, net=replace(recipe.net, widths=(8, 6, 4)), size=replace(recipe.size, size=24))
        case KoalarizationSpec():
            net = replace(
                recipe.net,
                encoder=_narrow(recipe.net.encoder, 6),
                fusion=6,
                decoder=_narrow(recipe.net.decoder, 4),
                second=_narrow(recipe.net.second, 5),
                # Any classifier of a thousand classes has an opinion; this one has it in milliseconds.
                embedding=Encoder.MOBILENET_V1,
                embedding_size=32,
            )
            return replace(recipe, net=net, size=replace(recipe.size, size=24))
        case VggAutoencoderSpec():
            net = replace(recipe.net, widths=(4, 4, 4, 4, 4))
            return replace(recipe, net=net, size=replace(recipe.size, size=32))
        case VggUNetSpec():
            net = replace(recipe.net, bridge=4, widths=(4, 4, 4, 4))
            return replace(recipe, net=net, size=replace(recipe.size, size=32))
        case _:
            net = replace(recipe.net, widths=(4, 6), top=4)
    return replace(recipe, net=net, size=few)


@pytest.fixture(autouse=True)
def _python_s_own_handlers() -> Iterator[None]:
    """Signals as at a terminal, also where the tests run in the background of a script."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def tiny() -> Callable[[Recipe], Recipe]:
    return shrink


def _spread(network: nn.Module, run: Callable[[], object]) -> None:
    """Scale the last convolution so that what it gives to the last activation varies by two."""
    from torch import nn

    last = [module for module in network.modules() if isinstance(module, nn.Conv2d | nn.ConvTranspose2d)][-1]
    given: list[Tensor] = []
    hook = last.register_forward_hook(lambda _module, _inputs, output: given.append(output))
    run()
    hook.remove()
    last.weight *= 2 / given[-1].std()


@pytest.fixture(scope="session")
def write_run() -> WriteRun:
    """Writes a run folder whose network has random weights, paints strong colours and has seen statistics."""

    def write(recipe: Recipe, folder: Path) -> Path:
        import torch
        from safetensors.torch import save_file

        from hue_cli.models.build import build_network
        from hue_cli.models.colorizer import Colorizer
        from hue_cli.models.gamut_classifier import GamutClassifier

        with torch.random.fork_rng():
            torch.manual_seed(7)
            network = build_network(recipe.net)
            lightness = torch.rand(4, 1, 32, 32) * 100
            colorizer = Colorizer(network, recipe.space).train()
            with torch.no_grad():
                for _ in range(20):
                    colorizer(lightness)
                if isinstance(network, GamutClassifier):
                    network.classes.weight *= 30
                    network.gain.fill_(2.0)
                else:
                    _spread(network, lambda: colorizer.eval()(lightness))
        folder.mkdir(parents=True)
        save_file(network.state_dict(), folder / "weights.safetensors", {"recipe_digest": recipe.digest()})
        facts = {
            "recipe": recipe.to_dict(),
            "digest": recipe.digest(),
            "command": ["hue", "train", "--model", recipe.name, "--dataset", "photos.tar"],
            "versions": {"hue": "0.1.0", "torch": "2.15.0"},
            "seed": 0,
            "dataset": "photos.tar",
            "photos": {"train": 1200, "val": 12},
            "finished": True,
            "metrics": {"msssim": 0.9},
        }
        (folder / "run.json").write_text(json.dumps(facts), encoding="utf-8")
        return folder

    return write


# The tiny model's whole arithmetic: a* = 0.1 L* + 5, b* = 30 − 0.4 L*. Tests compute it again.
TINY_A = (0.1, 5.0)
TINY_B = (-0.4, 30.0)


def tiny_model_bytes(
    contract: Contract | None = None, *, output_name: str = OUTPUT_NAME, planes: tuple[str, ...] = ("a", "b")
) -> bytes:
    """Return a real ONNX file that keeps hue's contract and needs no torch to make."""
    import onnx
    from onnx import TensorProto, helper

    def scaled(name: str, factor: float, offset: float) -> list[onnx.NodeProto]:
        return [
            helper.make_node("Constant", [], [f"{name}_factor"], value_float=factor),
            helper.make_node("Constant", [], [f"{name}_offset"], value_float=offset),
            helper.make_node("Mul", [INPUT_NAME, f"{name}_factor"], [f"{name}_product"]),
            helper.make_node("Add", [f"{name}_product", f"{name}_offset"], [name]),
        ]

    graph = helper.make_graph(
        [
            *scaled("a", *TINY_A),
            *scaled("b", *TINY_B),
            helper.make_node("Concat", list(planes), [output_name], axis=1),
        ],
        "tiny",
        [helper.make_tensor_value_info(INPUT_NAME, TensorProto.FLOAT, ["n", 1, "h", "w"])],
        [helper.make_tensor_value_info(output_name, TensorProto.FLOAT, ["n", "planes", "h", "w"])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    if contract is not None:
        helper.set_model_props(model, {METADATA_KEY: contract.to_json()})
    onnx.checker.check_model(model)
    data: bytes = model.SerializeToString()
    return data


TINY_CONTRACT = Contract(recipe="tiny", digest="0" * 64, size=64, multiple_of=16, minimum=16, licence="Apache-2.0")


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The path of a tiny model: colour that depends on nothing but the pixel's lightness."""
    path = tmp_path_factory.mktemp("model") / "tiny.onnx"
    path.write_bytes(tiny_model_bytes(TINY_CONTRACT))
    return path


@pytest.fixture(scope="session")
def make_tiny_model() -> Callable[..., bytes]:
    """The maker of such models, for tests that need a wrong one."""
    return tiny_model_bytes


@dataclass
class Served:
    """A file of the loopback server, and what goes wrong with it.

    Attributes:
        content: its bytes.
        etag: empty for none.
        ranges: whether the server heeds ``Range``.
        statuses: answers to the first requests; 200 is none.
        cuts: of the first requests, after how many bytes the connection breaks off.
        stalls: after so many bytes nothing more comes.
        released: ends a stall.
        headers: sent along.
    """

    content: bytes
    etag: str = '"1"'
    ranges: bool = True
    statuses: list[int] = field(default_factory=list)
    cuts: list[int] = field(default_factory=list)
    stalls: int | None = None
    released: threading.Event = field(default_factory=threading.Event)
    headers: dict[str, str] = field(default_factory=dict)


class Loopback(ThreadingHTTPServer):
    """A web server on 127.0.0.1, whose files break off, fail and change as a test wants.

    Asked as a proxy, it answers for every host.

    Attributes:
        files: by path.
        asked: method, path and range of each request.
    """

    daemon_threads = True

    def __init__(self) -> None:
        self.files: dict[str, Served] = {}
        self.asked: list[tuple[str, str, str | None]] = []
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, *_: object) -> None:
        """Stay silent where a client hangs up, as it does at an answer that it does not want."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        server = self.server
        assert isinstance(server, Loopback)
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path = urlsplit(self.path).path
        wanted = self.headers.get("Range")
        server.asked.append((self.command, path, wanted))
        served = server.files.get(path)
        status = 404 if served is None else served.statuses.pop(0) if served.statuses else 200
        if served is None or status != 200:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            for name, value in (served.headers if served else {}).items():
                self.send_header(name, value)
            self.end_headers()
            return
        content, start = served.content, 0
        if wanted and served.ranges and self.headers.get("If-Range") in (None, served.etag):
            start = int(wanted.removeprefix("bytes=").partition("-")[0])
        if start >= len(content) > 0 and start:
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(content)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        if served.etag:
            self.send_header("ETag", served.etag)
        for name, value in served.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        if served.stalls is not None:
            self.wfile.write(content[start : start + served.stalls])
            served.released.wait(60)
            return
        cut = served.cuts.pop(0) if served.cuts else None
        self.wfile.write(content[start:] if cut is None else content[start : start + cut])
        self.close_connection = cut is not None

    do_POST = do_GET  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Stay silent."""


@pytest.fixture
def loopback(monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    """A web server of this test's own; no proxy stands before it."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    with Loopback() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def served() -> type[Served]:
    return Served

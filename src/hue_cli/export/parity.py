"""Does the exported graph paint what its source paints? Asked of the real onnxruntime, at every kind of size."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from hue_cli.errors import ParityError
from hue_cli.export.source import Paint
from hue_cli.infer.contract import INPUT_NAME, OUTPUT_NAME, PICTURE_INPUT, PICTURE_OUTPUT, Contract
from hue_cli.recipes.schema import SizeRule


def draw_lightness(count: int, height: int, width: int, seed: int = 0) -> NDArray[np.float32]:
    """Draw what a photograph's lightness is made of: slopes, edges, flat black and white, grain.

    Returns:
        ``(count, 1, height, width)`` float32, L* in [0, 100].
    """
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    photos = []
    for _ in range(count):
        a, b, c, d = random.uniform(-3, 3, 4)
        slopes = 50 + 30 * np.sin(a * x + b * y) + 15 * np.cos(9 * c * x * y)
        edges = 45 * (np.sin(7 * d * x + a) * np.cos(6 * c * y + b) > 0.4) - 60 * (x + d * y / 3 > 0.8)
        photos.append(slopes + edges + random.normal(0, 2, y.shape))
    lightness: NDArray[np.float32] = np.clip(np.stack(photos)[:, None], 0, 100).astype(np.float32)
    return lightness


def _shapes(rule: SizeRule | Contract) -> Iterator[tuple[int, int, int]]:
    """Batches and sizes to try; the graph was exported with a batch of 2 at an even multiple, so none of these."""
    step = rule.multiple_of
    least = -(-rule.minimum // step) * step
    usual = -(-rule.size // step) * step
    yield 1, least, least
    yield 3, least + 2 * step, least + 4 * step
    yield 1, least + 6 * step, least
    yield 3, usual, -(-usual * 3 // (4 * step)) * step
    yield 1, usual, -(-usual * 3 // (2 * step)) * step


def open_graph(graph: bytes) -> onnxruntime.InferenceSession:
    """Open a graph on the CPU.

    Raises:
        ParityError: onnxruntime does not load it.
    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # errors come as exceptions
    try:
        return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its exceptions share no other base
        raise ParityError(f"onnxruntime {onnxruntime.__version__} does not load the exported graph: {error}") from error


def largest_difference(paint: Paint, graph: bytes, rule: SizeRule | Contract) -> float:
    """Run both on the CPU over several batches and sizes.

    Args:
        paint: what the graph should do.
        graph: the ONNX file's bytes.
        rule: sizes to try are taken from it.

    Returns:
        The largest absolute difference of any a* or b*, in CIE units; infinite where the graph paints no number.

    Raises:
        ParityError: onnxruntime does not run the graph at a size that the rule allows.
    """
    session = open_graph(graph)
    worst = 0.0
    for seed, (count, height, width) in enumerate(_shapes(rule)):
        lightness = draw_lightness(count, height, width, seed)
        expected = paint(lightness)
        found = _run(session, lightness)
        if found.shape != expected.shape:
            raise ParityError(f"The graph paints {found.shape} where its source paints {expected.shape}.")
        worst = max(worst, float(np.abs(found - expected).max()) if np.isfinite(found).all() else float("inf"))
    return worst


def paint_with(graph: bytes) -> Paint:
    """Return what a colorizer's graph paints."""
    session = open_graph(graph)
    return lambda lightness: _run(session, lightness)


def picture_with(graph: bytes) -> Callable[[NDArray[np.uint8]], NDArray[np.uint8]]:
    """Return what an end-to-end graph makes of a picture ``(H, W, 3)`` uint8."""
    session = open_graph(graph)

    def make(photo: NDArray[np.uint8]) -> NDArray[np.uint8]:
        try:
            (found,) = session.run([PICTURE_OUTPUT], {PICTURE_INPUT: photo[None]})
        except Exception as error:  # its exceptions share no other base
            raise ParityError(
                f"onnxruntime {onnxruntime.__version__} does not run the exported graph on a picture of "
                f"{photo.shape[1]}×{photo.shape[0]} pixels: {error}"
            ) from error
        picture: NDArray[np.uint8] = found[0]
        return picture

    return make


def _run(session: onnxruntime.InferenceSession, lightness: NDArray[np.float32]) -> NDArray[np.float32]:
    try:
        (found,) = session.run([OUTPUT_NAME], {INPUT_NAME: lightness})
    except Exception as error:  # its exceptions share no other base
        count, _, height, width = lightness.shape
        raise ParityError(
            f"onnxruntime {onnxruntime.__version__} does not run the exported graph on {count} photographs of "
            f"{width}×{height} pixels: {error}"
        ) from error
    painted: NDArray[np.float32] = found
    return painted

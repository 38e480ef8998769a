"""A source in, one checked ONNX file out."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from functools import partial
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray

from hue_cli.errors import ParityError
from hue_cli.export.graph import DEFAULT_OPSET, halve_weights, stamp
from hue_cli.export.parity import largest_difference, paint_with, picture_with
from hue_cli.export.photos import Difference, Picture, as_seen, colorize, difference, sample_photos
from hue_cli.export.quantise import quantise
from hue_cli.export.source import Source, source_of_run
from hue_cli.export.whole import enclose
from hue_cli.images.write import replacing
from hue_cli.infer.contract import COLORIZER, END_TO_END, Contract
from hue_cli.models.trained import TrainedRun


class Precision(StrEnum):
    """How weights are stored; the arithmetic is float32 but for int8."""

    FP32 = "fp32"
    FP16 = "fp16"
    INT8 = "int8"
    """Convolutions in 8 bits, calibrated on photographs."""
    AUTO = "auto"
    """Float16 if the graph then keeps :data:`AGREEMENT` still, else float32."""


AGREEMENT = 0.05
"""Largest difference of any a* or b* that an export shows, in CIE units, unless float16 is asked for by name."""

# A difference of 1 is about what an eye can see (CIE 1976); float32 graphs differ by rounding alone, float16 weights
# by their last bit, 2⁻¹¹ of their value. What 8 bits do to drawn pictures says nothing: photographs judge them.
BOUNDS = {
    Precision.AUTO: AGREEMENT,
    Precision.FP32: AGREEMENT,
    Precision.FP16: 0.5,
    Precision.INT8: math.inf,
}
"""What the difference on drawn pictures must stay under, by the precision that was asked for."""


@dataclass(frozen=True, slots=True)
class Bound:
    """What a difference on photographs, in ΔE (CIEDE2000), must stay under.

    Attributes:
        mean: over all pixels.
        largest: of any pixel.
    """

    mean: float
    largest: float

    def holds(self, found: Difference) -> bool:
        """Whether the difference stays under both."""
        return found.mean < self.mean and found.largest < self.largest

    def __add__(self, other: Bound) -> Bound:
        return Bound(self.mean + other.mean, self.largest + other.largest)


PHOTO_BOUNDS = {
    Precision.AUTO: Bound(0.1, 2),
    Precision.FP32: Bound(0.1, 2),
    Precision.FP16: Bound(0.2, 3),
    Precision.INT8: Bound(1.5, 30),
}
"""By the precision that was asked for. Rounding to 8 bits alone makes 2 of the dark pixels of two equal pictures."""

RESAMPLING = Bound(0.5, 4)
"""Comes on top where everything is inside the graph: onnxruntime's bicubic and rounding are not Pillow's to the last
level."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a source is exported.

    Attributes:
        precision: of the weights.
        end_to_end: put the colour arithmetic inside.
        size: short side that the network sees by default; None keeps the source's.
        photos: what 8 bits are calibrated on and the result is judged by; empty takes the samples.
        force: write a file of the precision that was named also where it differs more than is allowed.
    """

    precision: Precision = Precision.FP32
    end_to_end: bool = False
    size: int | None = None
    photos: Sequence[Picture] = field(default=())
    force: bool = False

    @property
    def photo_bound(self) -> Bound:
        """What the difference on photographs must stay under."""
        bound = PHOTO_BOUNDS[self.precision]
        return bound + RESAMPLING if self.end_to_end else bound


@dataclass(frozen=True, slots=True)
class Exported:
    """An ONNX file that passed its checks.

    Attributes:
        path: where it is.
        size: in bytes.
        sha256: of the file, in hexadecimal.
        precision: how its weights are stored.
        difference: largest difference from its source on drawn pictures, in CIE units of a* and b*.
        bound: what ``difference`` had to stay under.
        contract: what it says about itself.
        judge: what it was compared with: ``PyTorch``, or the name of a file.
        on_photos: difference of the pictures that it makes.
        photo_bound: what ``on_photos`` had to stay under.
    """

    path: Path
    size: int
    sha256: str
    precision: Precision
    difference: float
    bound: float
    contract: Contract
    judge: str
    on_photos: Difference
    photo_bound: Bound

    @property
    def agrees(self) -> bool:
        """Whether it keeps :data:`AGREEMENT`, as every export does whose weights were not asked to be smaller."""
        return self.difference < AGREEMENT

    @property
    def is_forced(self) -> bool:
        """Whether it differs more than it should."""
        return not (self.difference < self.bound and self.photo_bound.holds(self.on_photos))

    def to_dict(self) -> dict[str, object]:
        """Return plain data for JSON."""
        return {
            "path": str(self.path),
            "size": self.size,
            "sha256": self.sha256,
            "precision": self.precision.value,
            "kind": self.contract.kind,
            "judge": self.judge,
            "largest_difference": self.difference,
            "bound": None if math.isinf(self.bound) else self.bound,
            "delta_e": self.on_photos.to_dict(),
            "delta_e_bound": asdict(self.photo_bound),
            "contract": asdict(self.contract),
        }


def export_run(
    run: TrainedRun,
    output: Path,
    *,
    precision: Precision = Precision.FP32,
    opset: int = DEFAULT_OPSET,
    licence: str = "",
    metrics: Mapping[str, float] | None = None,
    scored_on: str = "",
) -> Exported:
    """Export a trained network as a colorizer and check the file against it.

    Args:
        run: as :func:`hue_cli.models.trained.read_run` returns it.
        output: the file to write; appears only when every check has passed.
        precision: how to store the weights.
        opset: of the default ONNX domain.
        licence: of the weights, for the file's metadata.
        metrics: measured scores, for the file's metadata.
        scored_on: the photographs they were measured on, for the file's metadata.

    Raises:
        CheckpointError: the weights do not fit the recipe.
        ParityError: the graph does not paint what the network paints.
        ImageError: the file cannot be written.
    """
    source = source_of_run(run, opset=opset, licence=licence, metrics=metrics, scored_on=scored_on)
    return export_source(source, output, Options(precision=precision))


def export_source(source: Source, output: Path, options: Options) -> Exported:
    """Export a source and check the file against it in onnxruntime.

    Args:
        source: what is exported.
        output: the file to write; appears only when every check has passed.
        options: how.

    Raises:
        ParityError: the graph does not paint what its source paints.
        ImageError: the file cannot be written.
    """
    rule = source.contract if options.size is None else replace(source.contract, size=options.size)
    photos = options.photos or sample_photos()
    precision, bound = options.precision, BOUNDS[options.precision]
    is_forced = options.force and precision is not Precision.AUTO
    tried: list[str] = []
    for stored in (Precision.FP16, Precision.FP32) if precision is Precision.AUTO else (precision,):
        contract = _without_old_scores(replace(rule, precision=stored.value), source.contract)
        core = _store(source.model, stored, [as_seen(photo, rule) for photo in photos])
        data = _finish(core, contract)
        apart = largest_difference(source.paint, data, rule)
        if math.isinf(apart) or (apart >= bound and not is_forced):
            tried.append(f"{stored}: {apart:.4g} ab units, and under {bound} was expected")
            continue
        if options.end_to_end:
            contract = replace(contract, kind=END_TO_END)
            data = _finish(enclose(core, contract), contract)
        on_photos = _on_photos(source, data, contract, photos)
        if not options.photo_bound.holds(on_photos) and not is_forced:
            tried.append(_say(stored, on_photos, options.photo_bound))
            continue
        with replacing(output) as file:
            file.write(data)
        digest = hashlib.sha256(data).hexdigest()
        return Exported(
            path=output,
            size=len(data),
            sha256=digest,
            precision=stored,
            difference=apart,
            bound=bound,
            contract=contract,
            judge=source.judge,
            on_photos=on_photos,
            photo_bound=options.photo_bound,
        )
    raise ParityError(
        f"{source.name}: the exported graph does not paint what the network paints ({'; '.join(tried)}). "
        f"{output} was not written. Try another --precision or --opset, or write it all the same with --force."
    )


def _say(stored: Precision, found: Difference, bound: Bound) -> str:
    return (
        f"{stored}: on {found.photos} photographs ΔE {found.mean:.2f} on average and {found.largest:.1f} at most, and "
        f"under {bound.mean:g} and {bound.largest:g} was expected"
    )


def _without_old_scores(contract: Contract, source: Contract) -> Contract:
    """Take out scores that were measured on another arithmetic or at another size."""
    if contract.size == source.size and contract.precision != Precision.INT8:
        return contract
    return replace(contract, metrics={}, scored_on="")


def _store(graph: onnx.ModelProto, precision: Precision, lightness: Sequence[NDArray[np.float32]]) -> onnx.ModelProto:
    """Return the graph with its weights stored as asked."""
    if precision is Precision.INT8:
        return quantise(graph, lightness)
    model = onnx.ModelProto()
    model.CopyFrom(graph)
    if precision is Precision.FP16:
        halve_weights(model)
    return model


def _finish(core: onnx.ModelProto, contract: Contract) -> bytes:
    """Stamp the contract on, check; returns the file's bytes."""
    model = onnx.ModelProto()
    model.CopyFrom(core)
    stamp(model, contract)
    onnx.checker.check_model(model, full_check=True)
    data: bytes = model.SerializeToString()
    return data


def _on_photos(source: Source, data: bytes, contract: Contract, photos: Sequence[Picture]) -> Difference:
    expected = partial(colorize, paint=source.paint, rule=contract)
    if contract.kind == COLORIZER:
        return difference(photos, expected, partial(colorize, paint=paint_with(data), rule=contract))
    return difference(photos, expected, picture_with(data))

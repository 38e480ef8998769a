"""One run folder in, one checked ONNX file out."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path

import onnx

from hue_cli.errors import ParityError
from hue_cli.export.graph import DEFAULT_OPSET, halve_weights, stamp, trace
from hue_cli.export.parity import largest_difference
from hue_cli.images.write import replacing
from hue_cli.infer.contract import Contract
from hue_cli.models.trained import TrainedRun


class Precision(StrEnum):
    """How weights are stored; the arithmetic is float32 either way."""

    FP32 = "fp32"
    FP16 = "fp16"
    AUTO = "auto"
    """Float16 if the graph then keeps :data:`AGREEMENT` still, else float32."""


AGREEMENT = 0.05
"""Largest difference of any a* or b* that an export shows, in CIE units, unless float16 is asked for by name."""

# A difference of 1 is about what an eye can see (CIE 1976); float32 graphs differ by rounding alone, float16 weights
# by their last bit, 2⁻¹¹ of their value.
BOUNDS = {Precision.AUTO: AGREEMENT, Precision.FP32: AGREEMENT, Precision.FP16: 0.5}
"""What the difference must stay under, by the precision that was asked for."""


@dataclass(frozen=True, slots=True)
class Exported:
    """An ONNX file that passed its checks.

    Attributes:
        path: where it is.
        size: in bytes.
        sha256: of the file, in hexadecimal.
        precision: how its weights are stored.
        difference: largest difference from the network, in CIE units of a* and b*.
        bound: what ``difference`` had to stay under.
        contract: what it says about itself.
    """

    path: Path
    size: int
    sha256: str
    precision: Precision
    difference: float
    bound: float
    contract: Contract

    @property
    def agrees(self) -> bool:
        """Whether it keeps :data:`AGREEMENT`, as every export does whose weights were not asked to be float16."""
        return self.difference < AGREEMENT

    def to_dict(self) -> dict[str, object]:
        """Return plain data for JSON."""
        return {
            "path": str(self.path),
            "size": self.size,
            "sha256": self.sha256,
            "precision": self.precision.value,
            "largest_difference": self.difference,
            "bound": self.bound,
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
    """Export a trained network and check the file against it in onnxruntime.

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
    recipe = run.recipe
    colorizer = run.load_colorizer()
    plain = trace(colorizer, recipe.size, opset)
    contract = Contract(
        recipe=recipe.name,
        digest=recipe.digest(),
        size=recipe.size.size,
        multiple_of=recipe.size.multiple_of,
        minimum=recipe.size.minimum,
        training_data=run.training_data,
        licence=licence,
        metrics=dict(metrics or {}),
        scored_on=scored_on,
    )
    bound = BOUNDS[precision]
    tried: list[str] = []
    for stored in (Precision.FP16, Precision.FP32) if precision is Precision.AUTO else (precision,):
        contract = replace(contract, precision=stored.value)
        data = _finish(plain, contract)
        difference = largest_difference(colorizer, data, recipe.size)
        if difference < bound:
            with replacing(output) as file:
                file.write(data)
            digest = hashlib.sha256(data).hexdigest()
            return Exported(output, len(data), digest, stored, difference, bound, contract)
        tried.append(f"{stored}: {difference:.4g} ab units, and under {bound} was expected")
    raise ParityError(
        f"{run.weights}: the exported graph does not paint what the network paints ({'; '.join(tried)}). "
        f"{output} was not written. Try another --precision or --opset."
    )


def _finish(plain: onnx.ModelProto, contract: Contract) -> bytes:
    """Store the weights as the contract says, stamp it on, check; returns the file's bytes."""
    model = onnx.ModelProto()
    model.CopyFrom(plain)
    if contract.precision == Precision.FP16:
        halve_weights(model)
    stamp(model, contract)
    onnx.checker.check_model(model, full_check=True)
    data: bytes = model.SerializeToString()
    return data

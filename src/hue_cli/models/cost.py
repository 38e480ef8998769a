"""What a network costs, counted without data: operations, parameters, memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from hue_cli.models.build import build_network, count_parameters
from hue_cli.recipes.schema import Recipe
from hue_cli.recipes.specs import NetSpec

_EXAMPLES = 2
"""Networks that refuse to train on one photo alone are counted too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one photo costs a network, forwards.

    Attributes:
        parameters: of the network.
        gmac: thousand millions of multiplications and additions, of convolutions and matrix products.
        activations: bytes of all that the layers put out, float32: what a backward pass finds again, at most.
    """

    parameters: int
    gmac: float
    activations: int


class _Outputs(TorchDispatchMode):
    """Adds up the bytes of every new tensor; views are none."""

    bytes = 0

    def __torch_dispatch__(
        self,
        func: Any,
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        found = func(*args, **(kwargs or {}))
        outputs = found if isinstance(found, tuple | list) else [found]
        for declared, output in zip(func._schema.returns, outputs, strict=False):
            if isinstance(output, Tensor) and declared.alias_info is None:
                self.bytes += output.numel() * output.element_size()
        return found


def cost_of(recipe: Recipe, size: int | None = None) -> Cost:
    """Count what a photo of ``size``×``size`` pixels costs; by default at the size of the last stage of training."""
    return _count(recipe.net, recipe.space.sees.channels, size or recipe.stages[-1].size)


@lru_cache(maxsize=64)
def _count(net: NetSpec, channels: int, size: int) -> Cost:
    with torch.device("meta"):
        network = build_network(net)
    network = network.to("meta").eval()
    outputs = _Outputs()  # type: ignore[no-untyped-call]
    operations = FlopCounterMode(display=False)
    forward: Callable[[Tensor], Tensor] = network
    with torch.no_grad(), outputs, operations:
        forward(torch.empty(_EXAMPLES, channels, size, size, device="meta"))
    return Cost(
        parameters=count_parameters(network),
        # A multiplication and an addition are two operations.
        gmac=operations.get_total_flops() / 2 / _EXAMPLES / 1e9,
        activations=outputs.bytes // _EXAMPLES,
    )

"""What a network is shown in each stage of a curriculum (paper 000, section III-B)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from hue_cli.color import lab_torch
from hue_cli.color.space import Signal, Space
from hue_cli.data.augment import age
from hue_cli.errors import UsageError
from hue_cli.recipes.schema import Stage, StageInput

# Pillow's ImageFilter.EDGE_ENHANCE: eight neighbours at −1, the middle at 10, divided by 2.
EDGE_ENHANCE = ((-1.0, -1.0, -1.0), (-1.0, 10.0, -1.0), (-1.0, -1.0, -1.0))
EDGE_ENHANCE_DIVISOR = 2.0


def enhance_edges(image: Tensor) -> Tensor:
    """Sharpen ``(N, C, H, W)`` in [0, 1] as Pillow's ``EDGE_ENHANCE`` does; the outermost pixels stay."""
    channels = image.shape[1]
    kernel = (torch.tensor(EDGE_ENHANCE, dtype=image.dtype, device=image.device) / EDGE_ENHANCE_DIVISOR).expand(
        channels, 1, 3, 3
    )
    inner = F.conv2d(image, kernel, groups=channels).clamp(0, 1)
    result = image.clone()
    result[:, :, 1:-1, 1:-1] = inner
    return result


def show(rgb: Tensor, stage: Stage, space: Space) -> Tensor:
    """Turn a batch of colour photos into what the network sees in a stage.

    Args:
        rgb: ``(N, 3, H, W)`` sRGB in [0, 1].
        stage: says what kind of input, and whether it is aged at random.
        space: of the recipe.

    Returns:
        ``(N, C, H, W)`` in the network's own scale.

    Raises:
        UsageError: the network cannot be shown colour, because it sees one channel or lightness.
    """
    sees = stage.sees
    lightness = lab_torch.rgb_to_lightness(rgb)
    if space.sees.signal is Signal.LIGHTNESS:
        if sees is not StageInput.GREY:
            raise UsageError(f"a network that sees lightness cannot be shown {sees.value}")
        return lab_torch.encode(lightness, space.sees)
    grey = lab_torch.lightness_to_grey(lightness)
    match sees:
        case StageInput.GREY:
            shown = age(grey) if stage.aged else grey
        case StageInput.EDGE_GREY:
            shown = enhance_edges(grey)
        case StageInput.COLOUR | StageInput.EDGE_COLOUR:
            if space.sees.channels != 3:
                raise UsageError(f"a network that sees {space.sees.channels} channel cannot be shown {sees.value}")
            shown = rgb if sees is StageInput.COLOUR else enhance_edges(rgb)
    return lab_torch.encode(shown, space.sees)


def truth(rgb: Tensor, space: Space) -> Tensor:
    """Return what the network should paint for ``rgb`` ``(N, 3, H, W)``, in its own scale."""
    signal = rgb if space.paints.signal is Signal.RGB else lab_torch.rgb_to_lab(rgb)[:, 1:3]
    return lab_torch.encode(signal, space.paints)

"""Frozen descriptions of networks: a closed union that :func:`hue_cli.models.build.build_network` matches."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ResidualAutoencoderSpec:
    """Paper 000, section III: residual blocks down to a bottleneck and up again.

    Attributes:
        widths: channels after each halving, from half size down to the bottleneck.
        top: channels after the last doubling, at full size.
    """

    widths: tuple[int, ...]
    top: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvAutoencoderSpec:
    """Paper 000, section I: the plain convolutional autoencoder that the residual one replaced.

    Attributes:
        widths: channels after each halving, from half size down to the bottleneck.
        top: channels after the last doubling, at full size.
    """

    widths: tuple[int, ...]
    top: int


NetSpec = ResidualAutoencoderSpec | ConvAutoencoderSpec

"""Fresh weights as TensorFlow's Keras draws them, for networks whose papers were trained with it."""

from __future__ import annotations

from torch import nn


def start_as_keras(network: nn.Module) -> None:
    """Draw the weights of every convolution from Glorot's uniform distribution and set the biases to zero.

    PyTorch's own have a third of the variance, which leaves nothing of a picture after a dozen convolutions that no
    batch norm follows.

    References:
        Glorot and Bengio (2010), "Understanding the difficulty of training deep feedforward neural networks", eq. 16.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.xavier_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)

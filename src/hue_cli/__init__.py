"""hue: colorize black-and-white photographs, and train the networks that do it."""

__version__ = "0.1.0"

"""hue: colorize black-and-white photographs, and train the networks that do it.

::

    from hue_cli import Colorizer

    with Colorizer() as colorize:
        colorize(Image.open("grandma.jpg")).show()
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hue_cli.infer.colorizer import Colorizer

__all__ = ["Colorizer", "__version__"]

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """Import what is asked for when it is asked for: ``hue --version`` needs no NumPy."""
    if name == "Colorizer":
        from hue_cli.infer.colorizer import Colorizer

        return Colorizer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

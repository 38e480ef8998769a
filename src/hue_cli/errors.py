"""Every error that hue raises on purpose.

::

    HueError                 exit code 1
    ├── UsageError           exit code 2   the command line asks for what cannot be
    │   ├── MissingExtraError              a command needs an extra that is not installed
    │   ├── DeviceError                    the device that was asked for cannot be used
    │   ├── UnknownModelError              no model has this name or path
    │   └── DatasetError                   a dataset is missing, empty or not readable
    │       └── FetchError   exit code 1   a named dataset cannot be fetched, or is not what it should be
    ├── ImageError           one file cannot be read or written; costs one report row
    ├── WeightsError         a model file is missing, damaged or foreign
    ├── CheckpointError      a run folder does not fit what is asked of it
    └── ParityError          an exported graph does not agree with its network

Each message names the thing, what was expected, what was found and what to do.
"""


class HueError(Exception):
    """Base of all of them; ``exit_code`` is what the command returns."""

    exit_code = 1


class UsageError(HueError):
    """The command line asks for something that cannot be done."""

    exit_code = 2


class MissingExtraError(UsageError):
    """A command needs packages of an extra that is not installed."""

    def __init__(self, command: str, extra: str, module: str) -> None:
        super().__init__(
            f"`hue {command}` needs the package {module!r}, which is part of the extra {extra!r} "
            f"and is not installed. Install it with: pip install '.[{extra}]' in hue's source folder."
        )


class DeviceError(UsageError):
    """The requested device cannot be used."""


class UnknownModelError(UsageError):
    """No model has this name, and no file this path."""


class DatasetError(UsageError):
    """A dataset is missing, empty or unreadable."""


class FetchError(DatasetError):
    """A named dataset cannot be fetched, or what was fetched is not what it should be; the command line was right."""

    exit_code = 1


class ImageError(HueError):
    """One image cannot be read or written."""


class WeightsError(HueError):
    """A model file is missing, damaged or was not made by hue."""


class CheckpointError(HueError):
    """A checkpoint or run folder does not fit what is asked of it."""


class ParityError(HueError):
    """An exported graph differs from the network that it was exported from."""

"""``hf:ORG/REPO[@REV]``: the name of a model that somebody put on the Hugging Face hub."""

from __future__ import annotations

import re
from dataclasses import dataclass

from hue_cli.errors import UsageError

PREFIX = "hf:"
ONNX_FILE = "onnx/model.onnx"
"""Where ``hue models push`` puts the model in its repository."""

# A repository's name becomes a folder's: no leading dot, nothing but what the hub itself allows.
_PART = r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_-])?"
_NAME = re.compile(rf"hf:({_PART}/{_PART})(?:@([A-Za-z0-9][\w./-]{{0,120}}))?")


@dataclass(frozen=True, slots=True)
class HubName:
    """A repository, and the revision that was asked for.

    Attributes:
        repo: ``ORG/REPO``.
        revision: branch, tag or commit; None is the branch ``main``.
    """

    repo: str
    revision: str | None = None

    @classmethod
    def parse(cls, text: str) -> HubName:
        """Read ``hf:ORG/REPO`` or ``hf:ORG/REPO@REV``.

        Raises:
            UsageError: it is neither.
        """
        match = _NAME.fullmatch(text)
        if match is None or ".." in text or "--" in match[1]:
            raise UsageError(f"{text}: expected hf:ORG/REPO or hf:ORG/REPO@REVISION, as in hf:somebody/hue-s@v1.")
        return cls(match[1], match[2])

    def __str__(self) -> str:
        return f"{PREFIX}{self.repo}" + (f"@{self.revision}" if self.revision else "")

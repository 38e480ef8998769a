"""One step: every phase's losses on its batch, in parts and over all processes, and its optimizer's move."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from hue_cli.recipes.schema import Stage
from hue_cli.train.parts import Parts, count_parts
from hue_cli.train.phases import Phase
from hue_cli.train.team import Team

Losses = dict[str, Tensor]


@dataclass(frozen=True, slots=True)
class Moved:
    """What a phase did in a step.

    Attributes:
        losses: the named terms, means over the photos, of all processes together.
        photos: that it was made of; fewer than the batch where time ran out.
    """

    losses: Losses
    photos: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """How a phase moves its network.

    Attributes:
        clip: bound of the gradient's norm; 0 leaves it alone.
        parts: how many photos are worked off at once.
        team: the processes that share the batch.
        note: told when parts become smaller because memory ran out.
    """

    clip: float
    parts: Parts
    team: Team
    note: Callable[[str], None]

    def __call__(
        self,
        phase: Phase,
        rgb: Tensor,
        stage: Stage,
        *,
        total: int,
        seed: Callable[[], object],
        late: Callable[[], bool],
    ) -> Moved:
        """Move ``phase`` by one step.

        Args:
            phase: network, losses and optimizer.
            rgb: this process's share ``(N, 3, H, W)`` of the batch, sRGB in [0, 1].
            stage: of the curriculum.
            total: photos in the whole batch, over all processes.
            seed: seeds what losses draw at random; called again where a step is tried again.
            late: asked after every part; once it says so, the step is made of the parts that are done.

        Raises:
            torch.OutOfMemoryError: memory does not hold a part, and parts cannot become smaller.
        """
        moved: Moved | None = None
        while moved is None:
            seed()
            moved = self._try(phase, rgb, stage, total, late)
        if self.clip:
            nn.utils.clip_grad_norm_(phase.network.parameters(), self.clip)
        phase.optimizer.step()
        return moved

    def _try(self, phase: Phase, rgb: Tensor, stage: Stage, total: int, late: Callable[[], bool]) -> Moved | None:
        """Leave the batch's gradient in the network; None if it must be tried again in smaller parts."""
        failure: torch.OutOfMemoryError | None = None
        try:
            losses, done = self._accumulate(phase, rgb, stage, total, late)
        except torch.OutOfMemoryError as error:
            # What the step holds is held by the traceback, too.
            failure = error.with_traceback(None)
        if self.team.any(failure is not None):
            if not self.parts.halve(stage.size):
                raise failure or torch.OutOfMemoryError("the memory of another process does not hold a part")
            torch.cuda.empty_cache()
            self.note(f"memory does not hold the step: in parts of {self.parts.size(stage.size)} photos from now on")
            return None
        return Moved(losses, self._add_up(phase, losses, done, total))

    def _accumulate(
        self, phase: Phase, rgb: Tensor, stage: Stage, total: int, late: Callable[[], bool]
    ) -> tuple[Losses, int]:
        """Add up the gradients of the parts, each weighted by its share of the whole batch."""
        phase.optimizer.zero_grad(set_to_none=True)
        losses: Losses = {}
        done = 0
        for part in rgb.tensor_split(count_parts(len(rgb), self.parts.size(stage.size))):
            terms = phase.step.losses(part, stage)
            share = len(part) / total
            (share * torch.stack(list(terms.values())).sum()).backward()
            losses = {name: share * term.detach() + losses.get(name, 0) for name, term in terms.items()}
            done += len(part)
            if late():
                break
        return losses, done

    def _add_up(self, phase: Phase, losses: Losses, done: int, total: int) -> int:
        """Add gradients and losses of all processes up, make means of them again if time ran out; return the photos."""
        gradients = [p.grad for p in phase.network.parameters() if p.grad is not None]
        if self.team.size > 1:
            count = torch.tensor([float(done)], device=gradients[0].device)
            self.team.add_up([*gradients, *losses.values(), count])
            done = int(count)
        if done < total:
            torch._foreach_mul_([*gradients, *losses.values()], total / done)
        return done


def summed(losses: Mapping[str, Tensor]) -> float:
    """Return the sum of all terms."""
    return sum(float(term) for term in losses.values())

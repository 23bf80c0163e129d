"""How fast a run really goes: measured from its own turns."""

from dataclasses import dataclass, field

MEMORY = 0.8  # how much of the old pace remains after one more turn: the last five turns or so count


@dataclass
class Progress:
    """Seconds of turn per step, smoothed. Turns include evaluations, samples and checkpoints."""

    seconds_per_step: float | None = None
    seconds: float = 0.0  # of all turns
    kinds: set[str] = field(default_factory=set)  # of conditions that the turns were under
    _step: int | None = None

    def restart(self) -> None:
        """The step may jump now: the run was resumed, perhaps from an older checkpoint."""
        if self._step is not None:
            self.kinds.add("interrupted")
        self._step = None

    def turn_ended(self, step: int, seconds: float, kind: str) -> None:
        """A turn of `seconds` left the run at `step`. kind: "one", "all" or "busy", as in `estimates`."""
        self.seconds += seconds
        self.kinds.add(kind)
        before, self._step = self._step, step
        if before is None or step <= before:
            return
        new = seconds / (step - before)
        old = self.seconds_per_step
        self.seconds_per_step = new if old is None else MEMORY * old + (1 - MEMORY) * new

    def seconds_left(self, steps: int, share: float) -> float | None:
        """Wall-clock seconds for `steps` more with this share (0…1) of the turns; None: not known yet."""
        if self.seconds_per_step is None or share <= 0:
            return None
        return steps * self.seconds_per_step / share

"""How fast a run really goes: measured from its own turns."""

from dataclasses import dataclass, field

MEMORY = 0.8  # how much of the old pace remains after one more turn: the last five turns or so count


@dataclass
class Progress:
    """Seconds of turn per step, and how the turns really come, smoothed. Turns include evaluations, samples
    and checkpoints."""

    seconds_per_step: float | None = None
    seconds: float = 0.0  # of all turns
    kinds: set[str] = field(default_factory=set)  # of conditions that the turns were under
    step: int | None = None  # at the end of the last turn
    _ended: float | None = None  # when the last turn did
    _promised: float = 0.0  # seconds between the ends of two turns, by the run's share
    _waited: float = 0.0  # and in reality: pictures and samples take their time too

    def restart(self) -> None:
        """The step may jump now: the run was resumed, perhaps from an older checkpoint."""
        if self.step is not None:
            self.kinds.add("interrupted")
        self.step = self._ended = None

    def turn_ended(self, step: int, seconds: float, kind: str, now: float, share: float) -> None:
        """At time `now` a turn of `seconds` left the run at `step`. kind: "one", "all" or "busy", as in
        `estimates`. share (0…1): of the time, that it should have had since its last turn."""
        self.seconds += seconds
        self.kinds.add(kind)
        if self._ended is not None and share > 0:
            self._promised = MEMORY * self._promised + (1 - MEMORY) * seconds / share
            self._waited = MEMORY * self._waited + (1 - MEMORY) * (now - self._ended)
        before, self.step, self._ended = self.step, step, now
        if before is None or step <= before:
            return
        new = seconds / (step - before)
        old = self.seconds_per_step
        self.seconds_per_step = new if old is None else MEMORY * old + (1 - MEMORY) * new

    def seconds_of_turns(self, steps: int) -> float | None:
        """Seconds of turns for `steps` more; None: not known yet."""
        return None if self.seconds_per_step is None else steps * self.seconds_per_step

    def seconds_left(self, turns: float, share: float) -> float | None:
        """Wall-clock seconds until so many seconds of turns have been had, with this share (0…1) of the time
        and if others come between as often as they did lately; None where there is no share."""
        if share <= 0:
            return None
        return turns / share * (self._waited / self._promised if self._promised else 1.0)

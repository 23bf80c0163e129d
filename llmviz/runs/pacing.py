"""How often something costly may happen. No torch."""

from dataclasses import dataclass


@dataclass
class Pace:
    """Says when a thing is due: once in `every` seconds, less often if it would cost more than `share`.

    Time is whatever clock the caller passes in, in seconds.
    """

    every: float
    share: float
    last: float = 0.0
    cost: float = 0.0

    def due(self, now: float) -> bool:
        """Whether enough time has passed since the last one, given what it cost."""
        return now - self.last >= max(self.every, self.cost / self.share)

    def done(self, now: float, cost: float) -> None:
        """It happened, ended at `now` and took `cost` seconds."""
        self.last, self.cost = now, cost

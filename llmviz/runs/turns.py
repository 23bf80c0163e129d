"""Who trains when: turns of about a third of a second, first in first out, granted one ahead.

`Turns` decides and does nothing else: no processes, no clock, no files, so that every rule can be tested.

- A turn names the slots (cores) that it takes. On every slot there is at most one turn that runs and one
  that waits for it: when the first ends, the second begins by itself (`slots`), however busy the server is.
- A run with n threads takes n slots. With threads=0 (automatic) a run that is alone takes every core, or
  as many as make it quicker; as soon as two train, one each: two jobs of two threads on two cores ran over
  ten times slower than one.
- While somebody waits for a picture or a sample one slot is withheld. A turn of several threads on it is
  asked to end at its next step; its run goes on with fewer, or waits a little if its threads are fixed. Turns
  of one thread stand in nobody's way for a moment: a class asks for something all the time.
- A run that nobody watches goes last: it takes only slots that no watched run can use.
- Every turn can be called back: it ends at its next step, or does not begin.
- While all is frozen nobody gets a turn, and all that are out are called back. The queue stays as it is.
"""

from collections import deque
from dataclasses import dataclass

SECONDS = 0.35
PATIENCE = 1.0  # seconds that a run of fixed threads waits for a withheld slot before it trains regardless
SHORT = 0.3  # seconds that most pictures and samples take: a turn on a withheld slot is let be for so long


@dataclass(frozen=True)
class Turn:
    """The right to train for a while: `threads` threads on these slots for about `seconds`."""

    number: int
    run: str
    slots: tuple[int, ...]
    threads: int
    seconds: float
    steps: int | None = None


@dataclass
class _Wish:
    """How a run wants its turns: threads (0: automatic) and at most so many steps in one turn."""

    threads: int
    steps: int | None
    widest: int  # the most threads that threads=0 comes to
    last: bool = False  # it takes only what the others leave


class Turns:
    """The queue of runs and the turns that are out."""

    def __init__(self, cores: int, seconds: float = SECONDS) -> None:
        self.cores = cores
        self.seconds = seconds
        self.queue: deque[str] = deque()
        self.out: dict[int, Turn] = {}
        self._wishes: dict[str, _Wish] = {}
        self._called_back: set[int] = set()
        self._withheld_since: float | None = None
        self._numbers = 0
        self.frozen = False

    def __contains__(self, run: str) -> bool:
        return run in self._wishes

    def __len__(self) -> int:
        return len(self._wishes)

    def join(
        self,
        run: str,
        threads: int,
        steps: int | None = None,
        widest: int | None = None,
        last: bool = False,
    ) -> None:
        """Let a run take turns from now on; it goes to the end of the queue.

        widest: with threads=0, how many are of use to it while it is alone; None: all cores. last: it takes
        only what the others leave.
        """
        if run not in self._wishes:
            self.queue.append(run)
        self._wishes[run] = _Wish(threads, steps, widest or self.cores, last)

    def leave(self, run: str) -> None:
        """Give a run no more turns; those that are out are called back."""
        if self._wishes.pop(run, None):
            self.queue.remove(run)

    def go_last(self, run: str, last: bool) -> None:
        """From now on a run comes after all others, or no longer does."""
        if run in self._wishes:
            self._wishes[run].last = last

    def goes_last(self, run: str) -> bool:
        """Whether a run comes after all others."""
        return run in self._wishes and self._wishes[run].last

    def withhold(self, now: float | None) -> None:
        """Keep one slot free from time `now` on; None: no longer. Of a single slot none is kept."""
        if now is None or self._withheld_since is None:
            self._withheld_since = now if self.cores > 1 else None

    @property
    def newest(self) -> int:
        """The number of the turn granted last; 0 if there was none."""
        return self._numbers

    def ended(self, number: int, begun: bool = True) -> None:
        """A turn is over. If it was called back before it began, its run is the next to have one."""
        turn = self.out.pop(number, None)
        self._called_back.discard(number)
        if turn and not begun and turn.run in self._wishes and not self.of(turn.run):
            self.queue.remove(turn.run)
            self.queue.appendleft(turn.run)

    def lost(self, run: str) -> None:
        """The worker of a run is gone, and its turns with it."""
        for turn in self.of(run):
            self.ended(turn.number)

    def of(self, run: str) -> list[Turn]:
        """The turns of a run that are out, oldest first."""
        return [turn for turn in self.out.values() if turn.run == run]

    def running(self) -> set[str]:
        """The runs that train now: those whose turn is the oldest on all of its slots."""
        first = {slot: min(self._on(slot)) for slot in range(self.cores) if self._on(slot)}
        return {turn.run for turn in self.out.values() if all(first[s] == turn.number for s in turn.slots)}

    def busy(self) -> int:
        """How many slots somebody trains on."""
        return sum(bool(self._on(slot)) for slot in range(self.cores))

    def waiting(self, run: str) -> int:
        """How many turns of others begin before the next turn of this run."""
        if self.of(run) or run not in self.queue:
            return 0
        before = sum(turn.run not in self.running() for turn in self.out.values())
        return before + self._in_order().index(run)

    def rivals(self, run: str) -> int:
        """How many runs this one shares the slots with, itself included."""
        return len(self._last() if self.goes_last(run) else self._first())

    def share(self, run: str, more: int = 0) -> float:
        """The part of the time (0…1) that is this run's turn; `more`: runs of one thread yet to join."""
        first = sum(self._needs(other) for other in self._first()) + more
        if not self.goes_last(run):
            return min(1.0, self.cores / max(1, first))
        left = max(0, self.cores - first)
        return min(1.0, left / sum(self._needs(other) for other in self._last()))

    def crowded(self) -> bool:
        """Whether the runs that come first need every slot."""
        return not self._spare()

    def widens(self) -> bool:
        """Whether a run that is alone will have more threads as soon as no slot is withheld."""
        wishes = list(self._wishes.values())
        return len(wishes) == 1 and wishes[0].threads == 0 and min(wishes[0].widest, self.cores) > 1

    def threads_of(self, run: str) -> int:
        """How many threads the next turn of a run has."""
        wish = self._wishes[run]
        return wish.threads or (min(self._free(), wish.widest) if len(self) == 1 else 1)

    def grant(self, now: float) -> list[Turn]:
        """The turns that can be given out now."""
        if self.frozen:
            return []
        granted = self._passes(self._first(), now)
        return granted + (self._passes(self._last(), now) if self._spare() else [])

    def _passes(self, runs: list[str], now: float) -> list[Turn]:
        granted = self._pass(runs, now)
        return granted + (self._pass(runs, now) if granted else [])  # who is alone has its next one ahead

    def _pass(self, runs: list[str], now: float) -> list[Turn]:
        """At most one turn for every run. The first in the queue that finds no room stops the rest."""
        granted = []
        for run in runs:
            alone = not self._contended(run) and not self._wishes[run].steps
            if len(self.of(run)) >= (2 if alone else 1) or self._must_wait(run, now):
                continue
            slots = self._room_for(run)
            if not slots:
                break
            granted.append(self._give(run, slots))
        return granted

    def call_back(self, now: float) -> list[Turn]:
        """The turns to call back now: they no longer fit. Each is returned once."""
        unfit = [turn for turn in self.out.values() if self._unfit(turn, now)]
        fresh = [turn for turn in unfit if turn.number not in self._called_back]
        self._called_back |= {turn.number for turn in fresh}
        return fresh

    def _give(self, run: str, slots: list[int]) -> Turn:
        self._numbers += 1
        turn = Turn(
            number=self._numbers,
            run=run,
            slots=tuple(slots),
            threads=self.threads_of(run),
            seconds=self.seconds,
            steps=self._wishes[run].steps,
        )
        self.out[turn.number] = turn
        self.queue.remove(run)
        self.queue.append(run)
        return turn

    def _free(self) -> int:
        return self.cores - (self._withheld_since is not None)

    def _on(self, slot: int) -> list[int]:
        return [turn.number for turn in self.out.values() if slot in turn.slots]

    def _first(self) -> list[str]:
        """The runs that come before the others, in the order of the queue."""
        return [run for run in self.queue if not self._wishes[run].last]

    def _last(self) -> list[str]:
        return [run for run in self.queue if self._wishes[run].last]

    def _in_order(self) -> list[str]:
        return self._first() + self._last()

    def _contended(self, run: str) -> bool:
        """Whether this run and those it shares with wait for one another. If not, each may have its own next
        turn ahead as well."""
        runs = self._in_order() if self.goes_last(run) else self._first()
        return sum(self._needs(other) for other in runs) > self._free()

    def _spare(self) -> bool:
        """Whether the runs that come first leave a slot to the last."""
        return sum(self._needs(run) for run in self._first()) < self._free()

    def _must_wait(self, run: str, now: float) -> bool:
        """A run of fixed threads that needs the withheld slot too is asked for a little patience."""
        if self._withheld_since is None or self._needs(run) <= self._free():
            return False
        return now - self._withheld_since < PATIENCE

    def _needs(self, run: str) -> int:
        return min(self.threads_of(run), self.cores)

    def _room_for(self, run: str) -> list[int]:
        """The least busy slots for the next turn of a run, or none. Its second turn is behind its first."""
        need = self._needs(run)
        slots = range(max(need, self._free()))
        if mine := self.of(run):
            slots = mine[-1].slots  # type: ignore[assignment]
        open_slots = sorted((len(self._on(slot)), slot) for slot in slots if len(self._on(slot)) < 2)
        return sorted(slot for _, slot in open_slots[:need]) if len(open_slots) >= need else []

    def _unfit(self, turn: Turn, now: float) -> bool:
        if self.frozen or turn.run not in self._wishes:
            return True
        if self._wishes[turn.run].threads == 0 and turn.threads > self.threads_of(turn.run):
            return True
        begun = all(turn.number == min(self._on(slot)) for slot in turn.slots)
        if self._withheld_since is not None and self.cores - 1 in turn.slots:
            if len(turn.slots) > 1:
                return self._must_wait(turn.run, now)
            return not begun and now - self._withheld_since >= SHORT
        if begun:
            return False
        if self.goes_last(turn.run) and not self._spare():
            return True
        return self._contended(turn.run) and turn is not self.of(turn.run)[0] and self._others_wait(turn.run)

    def _others_wait(self, run: str) -> bool:
        runs = self._in_order() if self.goes_last(run) else self._first()
        return any(not self.of(other) for other in runs)

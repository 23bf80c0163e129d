"""Whose turn it is: everybody who asks gets one turn a round, however much else they have asked."""

from collections import deque
from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Rounds(Generic[T]):
    """Numbered things that take turns, owner by owner; those of one owner share that owner's turns."""

    def __init__(self) -> None:
        self._queues: dict[str, deque[int]] = {}
        self._things: dict[int, tuple[str, T]] = {}

    def __len__(self) -> int:
        return len(self._things)

    def add(self, number: int, owner: str, thing: T) -> None:
        """Let a thing take turns from now on."""
        self._things[number] = (owner, thing)
        self._queues.setdefault(owner, deque()).append(number)

    def remove(self, number: int) -> T | None:
        """Let it take no more turns; None if there is no such thing (any more)."""
        if number not in self._things:
            return None
        owner, thing = self._things.pop(number)
        self._queues[owner].remove(number)
        if not self._queues[owner]:
            del self._queues[owner]
        return thing

    def round(self) -> Iterator[tuple[int, T]]:
        """One turn for each owner: the number and the thing that has it."""
        for owner in list(self._queues):
            if queue := self._queues.get(owner):
                queue.rotate(-1)
                yield queue[-1], self._things[queue[-1]][1]

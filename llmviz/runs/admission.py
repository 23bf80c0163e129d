"""Who may do what with which run, and whether there is room for it: asked before anything is begun. No torch.

Every method either returns or raises Refused with a plain sentence for each reason.
"""

from typing import TYPE_CHECKING

from llmviz.runs.library import Entry
from llmviz.runs.limits import check_memory_now, check_room, no_disk, predicted_disk
from llmviz.runs.owners import is_token
from llmviz.runs.refusal import Refused
from llmviz.settings import RunSettings

if TYPE_CHECKING:
    from llmviz.runs.host import Host


class Admission:
    """The door of a host."""

    def __init__(self, host: "Host") -> None:
        self.host = host

    def require_token(self, owner: str) -> None:
        """A run has to be somebody's."""
        if not is_token(owner):
            raise Refused(["This browser has sent no owner token, so the run would be nobody's."], status=403)

    def require_owner(self, run_id: str, owner: str) -> Entry:
        """The run, if it is this owner's to change."""
        entry = self.host.library.get(run_id)
        if entry.shipped:
            raise Refused(["This model ships with LLMViz: it can be looked at but not changed."], status=403)
        if not entry.mine(owner):
            raise Refused(["Only the browser that started this run can change it."], status=403)
        self.host.seen(owner)
        return entry

    def require_room_to_train(self, owner: str, settings: RunSettings, text: str | None = None) -> None:
        """Whether this owner may have one more run, and train it now. text: the owner's own."""
        self.host.rates.spend("start", owner)
        mine = self._runs_of(owner)
        check_room(len(mine), self._training(mine), self.host.active(), self.host.limits)
        self._require_disk(predicted_disk(settings))
        own_text = len(text.encode("utf-8", "replace")) if text and settings.data.corpus == "text" else 0
        check_memory_now(settings, self.host.lives.memory(), self.host.limits, own_text)

    def require_room_to_keep(self, owner: str, disk: int) -> None:
        """Whether this owner may have one more run of `disk` bytes, which rests."""
        check_room(len(self._runs_of(owner)), 0, 0, self.host.limits)
        self._require_disk(disk)

    def require_slot(self, entry: Entry, owner: str) -> None:
        """Whether a run that rests may train on, beside those that train now."""
        if self._training([entry]):
            return
        check_room(0, self._training(self._runs_of(owner)), self.host.active(), self.host.limits)
        check_memory_now(entry.run.settings(), self.host.lives.memory(), self.host.limits)

    def require_eyes_free(self, session: str) -> None:
        """Whether a model may be asked something now: while the class is frozen by its teacher only."""
        if not (self.host.classroom.on and self.host.teaching.holds(session)):
            self.host.classroom.require_going()

    def _runs_of(self, owner: str) -> list[Entry]:
        return [entry for entry in self.host.library.all() if entry.mine(owner)]

    def _training(self, entries: list[Entry]) -> int:
        return sum("queue" in self.host.lives.outlook(entry) for entry in entries)

    def _require_disk(self, needed: int) -> None:
        limits = self.host.limits
        if not self.host.disk.make_room(needed, limits.disk):
            raise Refused([no_disk(needed, limits)], status=507)

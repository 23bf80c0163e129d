"""Models from the Hub, for the page: fetched and converted by a worker, while the server listens. No torch.

One comes at a time: it takes the machine's network and gigabytes of its memory. Whoever asked may go away
meanwhile; the model is then among their runs when they come back.
"""

import logging
import secrets
import shutil
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from llmviz.model.hub import ForeignModelError, hub_name
from llmviz.runs.channel import Channel, Message
from llmviz.runs.directory import RunDirectory
from llmviz.runs.disk import free_bytes, used_bytes
from llmviz.runs.jobclient import Job
from llmviz.runs.launcher import TRAINING_NICE
from llmviz.runs.limits import OPENING, readable
from llmviz.runs.names import random_name
from llmviz.runs.owners import hash_token
from llmviz.runs.refusal import Refused, disk_troubles_told

if TYPE_CHECKING:
    from llmviz.runs.host import Host

log = logging.getLogger(__name__)

WORKER = "llmviz.runs.import_worker:serve"
LOST = "The process that fetched the model was lost; please try again, perhaps with a smaller one."
SMALLEST = 50_000_000  # bytes: less room than this is none


class Imports:
    """The model that is coming, if one is."""

    def __init__(self, host: "Host") -> None:
        self.host = host
        self._lock = threading.Lock()
        self._channel: Channel | None = None

    def begin(self, name: object, owner: str) -> Job:
        """Fetch a public model for this owner. The job's messages are {"said": how far it is}, and at last
        {"run": id} or {"error": a sentence}. Raises Refused."""
        host = self.host
        try:
            named = hub_name(name)
        except ForeignModelError as error:
            raise Refused([str(error)]) from None
        host.admission.require_token(owner)
        host.classroom.require_going()
        host.rates.spend("start", owner)
        room = self._room(owner)
        memory = (host.limits.together - host.lives.memory()) // OPENING
        # Who asks a large model something takes everybody's turn for it: in a class none may be larger than
        # what is trained there.
        most = min(host.limits.imported, host.limits.parameters if host.classroom.on else memory, memory)
        run_id = secrets.token_hex(16)
        folder = host.runs / f".opening-{run_id}"
        order = {
            "name": named,
            "out": str(folder / "run"),
            "label": random_name() if host.classroom.on else None,  # others see it in the teacher's list
            "most_bytes": min(room, 4 * host.limits.imported),
            "most_parameters": max(0, most),
        }
        job = Job(hash_token(owner), cancel=lambda: None)  # it goes on when nobody listens
        with self._lock:
            if self._channel is not None:
                raise Refused(
                    ["Another model is coming from the Hub just now; please try again when it is here."],
                    status=429,
                )
            self._channel = host.launcher.start(WORKER, order, nice=TRAINING_NICE)
        log.info("run %s: a model is asked for from the Hub", run_id[:8])
        listener = threading.Thread(
            target=self._listen, args=(self._channel, job, folder, run_id, owner), daemon=True
        )
        listener.start()
        return job

    def close(self) -> None:
        """Let the worker end; what it had fetched is thrown away."""
        with self._lock:
            if self._channel:
                self._channel.shutdown()

    def _room(self, owner: str) -> int:
        """How many bytes of weights may come; while converted they lie here twice. Raises Refused."""
        host = self.host
        host.admission.require_room_to_keep(owner, disk=SMALLEST)
        left = min(host.limits.disk - used_bytes(host.data_dir), free_bytes(host.data_dir))
        if left < 2 * SMALLEST:
            raise Refused(
                [f"There are only {readable(max(0, left))} left for models on this disk."], status=507
            )
        return left // 2

    def _listen(self, channel: Channel, job: Job, folder: Path, run_id: str, owner: str) -> None:
        last: Message = {"error": LOST}
        try:
            for message in channel:
                if "error" in message or "done" in message:
                    last = message
                elif "said" in message:
                    job.put(message)
            job.put(self._finish(folder, run_id, owner) if "done" in last else last)
        except Refused as refused:
            job.put({"error": " ".join(refused.sentences)})
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            with self._lock:
                channel.close()
                self._channel = None
            job.end()

    @disk_troubles_told()
    def _finish(self, folder: Path, run_id: str, owner: str) -> Message:
        """Give the run its owner and its place."""
        host = self.host
        made = RunDirectory(folder / "run")
        made.write_meta(owner=hash_token(owner), in_class=host.classroom.on)
        made.path.rename(host.runs / run_id)
        host.library.add(RunDirectory(host.runs / run_id))
        log.info("run %s: imported", run_id[:8])
        return {"run": run_id}

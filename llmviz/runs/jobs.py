"""The process that answers for pictures and samples: at normal priority, one thread, never behind training.

All readers who ask share it fairly: a job is a generator and gives one message, or one token, in its turn.
"""

import logging
import queue
import threading
from pathlib import Path
from typing import Any

from llmviz.runs.channel import Channel, Message
from llmviz.runs.jobkinds import KINDS, Messages
from llmviz.runs.opened import OpenedModels
from llmviz.runs.refusal import is_out_of_memory
from llmviz.runs.rounds import Rounds

log = logging.getLogger(__name__)


def serve(channel: Channel, _: dict[str, Any]) -> None:
    """The entry function of the process: answer jobs until the server is gone."""
    import torch

    torch.set_num_threads(1)
    JobServer(channel).work()


class JobServer:
    """Runs jobs in turns. {"job": number, "kind", …} begins one, {"cancel": number} ends it.

    Every message goes out as {"job": number, "message": …}, the last as {"job": number, "done": true}.
    """

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.models = OpenedModels()
        self.jobs: Rounds[Messages] = Rounds()
        self._inbox: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        threading.Thread(target=self._listen, name="inbox", daemon=True).start()

    def work(self) -> None:
        """Until the server is gone."""
        while not self.channel.closed:
            self._take_orders()
            for number, job in self.jobs.round():
                self._advance(number, job)

    def _listen(self) -> None:
        for message in self.channel:
            self._inbox.put(message)
        self._inbox.put(None)  # wakes the main thread, which finds the channel closed

    def _take_orders(self) -> None:
        """Begin and cancel jobs; wait only while there is nothing to do."""
        while not self.jobs or not self._inbox.empty():
            message = self._inbox.get()
            if message is None:
                return
            if "cancel" in message:
                if generator := self.jobs.remove(message["cancel"]):
                    generator.close()
            else:
                folder = Path(message["folder"]) if message["folder"] else None
                job = KINDS[message["kind"]](self.models, folder, message["payload"])
                self.jobs.add(message["job"], message["owner"], job)

    def _advance(self, number: int, job: Messages) -> None:
        """Let one job take its turn. One that raised an error is at its end."""
        try:
            message = next(job, _END)
        except Exception as error:
            self.channel.send({"job": number, "message": {"error": explain(error)}})
            message = _END
        if message is _END:
            self.jobs.remove(number)
            self.channel.send({"job": number, "done": True})
        elif message is not None:
            self.channel.send({"job": number, "message": message})


_END: Any = object()


def explain(error: Exception) -> str:
    """An error in words for the reader. Those of our own rooms are plain sentences already."""
    if isinstance(error, ValueError) and str(error).endswith("."):
        return str(error)
    if isinstance(error, FileNotFoundError):
        return "The weights of this step are gone: they were thinned out just now. Choose another step."
    if is_out_of_memory(error):
        return "There is not enough memory for this. Try a shorter text."
    log.error("a job failed", exc_info=error)
    return f"This could not be computed; the program met a problem it does not know ({type(error).__name__})."

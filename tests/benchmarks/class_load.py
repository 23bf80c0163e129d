"""A class of simulated browsers, in a process of its own: `python class_load.py URL '{"browsers": 30, …}'`.

Each does what a page does: it starts a run by a Gradio event, keeps the stream open, lets the model write
now and then, and asks small things of the page. What all of them met is printed as one JSON object.
"""

import asyncio
import json
import random
import resource
import secrets
import sys
import time
from dataclasses import dataclass, field

import httpx

OURS, EVENTS = "/gradio_api/llmviz", "/gradio_api/call"


@dataclass
class Plan:
    """What the class is to do."""

    settings: dict
    browsers: int = 30
    seconds: float = 120.0  # at most
    sample_every: float | None = 20.0
    tokens: int = 50
    event_every: float | None = 4.0
    until_finished: bool = False
    runs_each: int = 1  # a browser starts the next one when the last has finished


@dataclass
class Browser:
    """One tab, and what it met."""

    number: int
    http: httpx.AsyncClient
    plan: Plan
    owner: str = field(default_factory=lambda: secrets.token_hex(16))
    session: str = field(default_factory=lambda: secrets.token_hex(6))  # as Gradio's page has one
    one_event: asyncio.Lock = field(default_factory=asyncio.Lock)
    runs: list[str] = field(default_factory=list)
    step: int = 0
    first_point: float | None = None  # seconds after Train was pressed
    finished: list[float] = field(default_factory=list)  # seconds after the class began
    messages: int = 0
    events: list[float] = field(default_factory=list)  # seconds that each took
    samples: list[float] = field(default_factory=list)  # seconds until the first token
    errors: list[str] = field(default_factory=list)

    async def live(self, began: float) -> None:
        tasks = [self.train(began), self.ask_the_page(), self.let_it_write()]
        async with asyncio.timeout(self.plan.seconds), asyncio.TaskGroup() as group:
            for task in tasks:
                group.create_task(self.noting_errors(task))

    async def leave(self) -> None:
        """Delete the runs, so that nothing trains on when the class is over."""
        for run in self.runs:
            await self.http.post(f"{OURS}/runs/{run}/do/delete", headers=self.headers)

    async def noting_errors(self, task) -> None:
        try:
            await task
        except (httpx.HTTPError, OSError, KeyError, ValueError, AssertionError) as error:
            self.errors.append(f"{task.__name__}: {type(error).__name__}: {error}")

    @property
    def run(self) -> str:
        """The newest run."""
        return self.runs[-1] if self.runs else ""

    @property
    def headers(self) -> dict[str, str]:
        return {"X-LLMViz-Owner": self.owner}

    async def event(self, name: str, *data) -> object:
        """A Gradio event, from the press to the answer; one at a time, as all answers of a tab come in one
        stream."""
        async with self.one_event:
            return await self.press(name, data)

    async def press(self, name: str, data: tuple) -> object:
        body = {"data": data, "session_hash": self.session}
        answer = await self.http.post(f"{EVENTS}/{name}", json=body, headers=self.headers)
        assert answer.status_code == 200, answer.text[:300]
        path = f"{EVENTS}/{name}/{answer.json()['event_id']}"
        kind = ""
        async with self.http.stream("GET", path, headers=self.headers) as stream:
            async for line in stream.aiter_lines():
                if line.startswith("event:"):
                    kind = line[6:].strip()
                elif line.startswith("data:") and kind != "heartbeat":
                    assert kind == "complete", f"{kind}: {line[:300]}"
                    return json.loads(line[5:])[0]
        raise AssertionError(f"{name} was not answered")

    async def train(self, began: float) -> None:
        for _ in range(self.plan.runs_each):
            pressed = time.monotonic()
            self.runs.append(await self.event("train", self.plan.settings, "spark", self.owner))
            await self.watch(pressed)
            self.finished.append(time.monotonic() - began)

    async def watch(self, pressed: float) -> None:
        """Read the stream until the run has ended."""
        body = {"runs": {self.run: {}}, "watch": None}
        async with self.http.stream("POST", f"{OURS}/stream", json=body, headers=self.headers) as stream:
            assert stream.status_code == 200, stream.status_code
            async for line in stream.aiter_lines():
                if not line.startswith("data:"):
                    continue
                self.messages += 1
                message = json.loads(line[5:])
                if message["t"] == "metrics" and message["step"]:
                    self.step = message["step"][-1]
                    self.first_point = self.first_point or time.monotonic() - pressed
                elif message["t"] == "run":
                    assert message["status"] != "failed", message
                    if message["status"] == "finished" and self.plan.until_finished:
                        return

    async def ask_the_page(self) -> None:
        while self.plan.event_every and not self.over:
            await asyncio.sleep(self.plan.event_every * random.uniform(0.5, 1.5))
            if self.run and not self.over:
                asked = time.monotonic()
                await self.event("run", self.run)
                self.events.append(time.monotonic() - asked)

    async def let_it_write(self) -> None:
        every = self.plan.sample_every
        if every:
            await asyncio.sleep(every * random.uniform(0.2, 1.2))
        while every and not self.over:
            asked = time.monotonic()
            if self.run and self.first_point:
                await self.sample(asked)
            await asyncio.sleep(max(0.0, asked + every - time.monotonic()))

    @property
    def over(self) -> bool:
        return len(self.finished) == self.plan.runs_each

    async def sample(self, asked: float) -> None:
        body = {"run": self.run, "prompt": "a", "max_new_tokens": self.plan.tokens}
        path, told = f"{OURS}/job/sample", 0
        async with self.http.stream("POST", path, json=body, headers=self.headers) as stream:
            assert stream.status_code == 200, stream.status_code
            async for line in stream.aiter_lines():
                message = json.loads(line)
                assert "error" not in message, message
                told += "id" in message
                if told == 1:
                    self.samples.append(time.monotonic() - asked)
        assert told == self.plan.tokens, f"{told} tokens"

    def told(self) -> dict:
        hidden = ("http", "plan", "owner", "one_event")
        return {name: value for name, value in vars(self).items() if name not in hidden}


async def class_of(url: str, plan: Plan) -> dict:
    """Let them all loose at once; what they met."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    async with httpx.AsyncClient(base_url=url, timeout=60, limits=limits) as http:
        browsers = [Browser(number, http, plan) for number in range(plan.browsers)]
        before = resource.getrusage(resource.RUSAGE_SELF)
        began = time.monotonic()
        lives = [browser.live(began) for browser in browsers]
        for lived in await asyncio.gather(*lives, return_exceptions=True):
            if isinstance(lived, BaseException) and not isinstance(lived, TimeoutError):
                raise lived
        seconds = time.monotonic() - began
        after = resource.getrusage(resource.RUSAGE_SELF)
        await asyncio.gather(*(browser.leave() for browser in browsers))
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"seconds": seconds, "cpu": cpu, "browsers": [browser.told() for browser in browsers]}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(class_of(sys.argv[1], Plan(**json.loads(sys.argv[2]))))))

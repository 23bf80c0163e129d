"""Our models in EleutherAI's lm-evaluation-harness, whose tasks the leaderboards are made of.

The harness asks three things of a model: how likely is this continuation of that text, how likely is this
whole text, and what do you write after it. `HarnessModel` answers them for a GPT of ours:

    lm_eval.simple_evaluate(HarnessModel(model, tokenizer), tasks=["arc_easy"])

It is a large package that only this file imports: `pip install -r requirements-dev.txt` brings it along.
Source: Gao et al. 2021, "A framework for few-shot language model evaluation".
"""

from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F
from lm_eval.api.instance import Instance
from lm_eval.api.model import TemplateLM

from llmviz.evaluation.loss import TOKENS_AT_ONCE
from llmviz.model.gpt import GPT, reading
from llmviz.model.hub import Marks, marks_for
from llmviz.text.tokenizers import Tokenizer

LONGEST_ANSWER = 256  # tokens written when a task does not say how many
HOW_MANY = ("max_gen_toks", "max_new_tokens", "max_tokens", "max_completion_tokens")  # as tasks say it


class HarnessModel(TemplateLM):
    """A GPT and its tokenizer, asked by the harness.

    Where there is no text before, the model is told that one begins, if it has a sign for that. The models
    trained here have none: they are told that a line begins, as in our texts what begins stands after a line
    end. Of a text longer than the context the model sees the end. A character that the tokenizer cannot read
    raises its UnknownCharacter.

    marks: which tokens begin and end a text, where the tokenizer does not say it all.
    """

    def __init__(self, model: GPT, tokenizer: Tokenizer, marks: Marks | None = None) -> None:
        super().__init__()
        self.model = model
        self.tokens = tokenizer  # the harness reserves `tokenizer` for one of Hugging Face's
        self.marks = marks or marks_for(tokenizer)
        self._device = next(model.parameters()).device

    @property
    def eot_token_id(self) -> int:
        """The sign for the end of a text, or what begins one where there is none."""
        ends = self._signs(*self.marks.ends)
        return ends[0] if ends else self.prefix_token_id

    @property
    def prefix_token_id(self) -> int:
        """What stands before a text that nothing precedes: the sign for its beginning, or for the end of the
        one before, else a line end, else the first token, as when a text is written."""
        if signs := self._signs(self.marks.begin, *self.marks.ends):
            return signs[0]
        try:
            return self.tokens.encode("\n")[0]
        except (ValueError, IndexError):  # a text in one line has no line end among its letters
            return 0

    def _signs(self, *tokens: int | None) -> list[int]:
        """Those of these tokens that never stand for a piece of text."""
        special = set(self.tokens.special_tokens.values())
        return [token for token in tokens if token in special]

    @property
    def tokenizer_name(self) -> str:
        """The harness keeps prepared questions under this name."""
        return f"llmviz-{self.tokens.name}-{self.tokens.vocab_size}"

    def tok_encode(self, string: str, add_special_tokens: bool | None = None, **kwargs: Any) -> list[int]:
        """The ids of a text, with what its tokenizer puts before every text: once, and not if it must not."""
        ids, begin = self.tokens.encode(string), list(self.tokens.begin)
        is_there = ids[len(begin) : 2 * len(begin)] == begin
        return ids[len(begin) :] if is_there or add_special_tokens is False else ids

    def loglikelihood_rolling(self, requests: list[Instance], disable_tqdm: bool = False) -> list[float]:
        """ln p(text) of whole texts, every token predicted exactly once."""
        texts = [self.tok_encode(request.args[0]) for request in requests]
        scores = self._score([([self.prefix_token_id], text) for text in texts])
        return [nats for nats, _ in scores]

    def _loglikelihood_tokens(
        self, requests: list[tuple[Any, list[int], list[int]]], **kwargs: Any
    ) -> list[tuple[float, bool]]:
        """(whatever, context, continuation) → ln p(continuation | context), and whether greedy writes it. The
        harness counts white space at the end of a context to the continuation: sometimes nothing is left."""
        prefix = [self.prefix_token_id]
        return self._score([(context or prefix, continuation) for _, context, continuation in requests])

    def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[str]:
        """What the model writes after each text, always its first guess, up to one of the task's stops."""
        return [self._write(text, **options) for text, options in (request.args for request in requests)]

    def _write(
        self,
        text: str,
        until: str | list[str] | None = None,
        do_sample: bool = False,
        **more: Any,  # temperature and the like say nothing where nothing is drawn
    ) -> str:
        if do_sample:
            raise ValueError("This adapter always writes the first guess: choose a task without sampling.")
        stops = [stop for stop in ([until] if isinstance(until, str) else until or []) if stop]
        most = next((more[name] for name in HOW_MANY if more.get(name) is not None), LONGEST_ANSWER)
        ids = self.tok_encode(text) or [self.prefix_token_id]
        before = len(ids)
        written = ""
        with reading(self.model):
            while len(ids) - before < most and not any(stop in written for stop in stops):
                window = torch.tensor([ids[-self.model.config.block_size :]], device=self._device)  # (1, T)
                token = int(self.model.next_token_logits(window).argmax())
                if token in self.marks.ends:
                    break
                ids.append(token)
                written = self.tokens.decode(ids[before:])
        ends = [written.index(stop) for stop in stops if stop in written]
        return written[: min(ends)] if ends else written

    def _score(self, pairs: list[tuple[list[int], list[int]]]) -> list[tuple[float, bool]]:
        """For every (context, continuation): its nats below certainty, and whether each token came first."""
        windows = [
            (pair, inputs, targets)
            for pair, (context, continuation) in enumerate(pairs)
            for inputs, targets in prediction_windows(context, continuation, self.model.config.block_size)
        ]
        windows.sort(key=lambda window: len(window[1]))  # windows of about one length are read together
        nats, greedy = [0.0] * len(pairs), [True] * len(pairs)
        at_once = max(1, TOKENS_AT_ONCE // self.model.config.block_size)
        with reading(self.model):
            for first in range(0, len(windows), at_once):
                chunk = windows[first : first + at_once]
                log_p = self._read([inputs for _, inputs, _ in chunk])  # (B, T, V)
                for (pair, inputs, targets), guesses in zip(chunk, log_p, strict=True):
                    guesses = guesses[len(inputs) - len(targets) : len(inputs)]  # (n, V)
                    wanted = torch.tensor(targets, device=self._device)  # (n,)
                    nats[pair] += guesses.gather(1, wanted[:, None]).cpu().double().sum().item()
                    greedy[pair] &= bool((guesses.argmax(-1) == wanted).all())
        return list(zip(nats, greedy, strict=True))

    def _read(self, windows: list[list[int]]) -> torch.Tensor:
        """B windows of up to T tokens → (B, T, V): ln p of every token after each of theirs.

        Shorter ones are filled up at the end, where a model that only looks back does not see it.
        """
        longest = max(map(len, windows))
        ids = torch.tensor([window + [0] * (longest - len(window)) for window in windows])
        return F.log_softmax(self.model(ids.to(self._device)), dim=-1)


def prediction_windows(
    context: list[int], continuation: list[int], block_size: int
) -> Iterator[tuple[list[int], list[int]]]:
    """(inputs, targets) so that every token of the continuation is predicted once, with what fits before it.

    The targets are the tokens that follow the last inputs. context: at least one token.
    """
    tokens = context + continuation
    for first in range(len(context), len(tokens), block_size):
        end = min(first + block_size, len(tokens))
        yield tokens[max(0, end - 1 - block_size) : end - 1], tokens[first:end]

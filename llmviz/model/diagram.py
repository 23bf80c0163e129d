"""The model as a list of parts, in the order in which a text passes them: what each makes of it, the shape of
what comes out, and what it costs. The page draws it before anything is built. No torch.

V = vocab_size, B = batch_size, T = block_size, C = n_embd, H = n_head, K = heads of keys and values,
D = head width, F = MLP width.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from llmviz.model.choices import MAX_PAIRS, SMEAR_INPUTS, Choices
from llmviz.model.size import Shape

NORMS = {"layernorm": "LayerNorm", "rmsnorm": "RMSNorm", "plain-rmsnorm": "RMSNorm"}
ACTIVATIONS = {"gelu": "GELU", "relu": "ReLU", "swiglu": "SwiGLU", "relu2": "ReLU²"}


@dataclass(frozen=True)
class Part:
    """One box of the diagram."""

    name: str
    says: str  # one sentence
    shape: tuple[int, ...]  # of what comes out
    parameters: int = 0
    flops: int = 0  # of one training step, forward and backward
    place: str = "stream"  # "stream": on the residual stream; "branch": beside it; "add": back onto it


def diagram(model: Shape, vocab_size: int, batch_size: int) -> dict[str, Any]:
    """{"before", "block", "after": lists of parts, "layers"}: one block stands for all `layers` of them."""
    found = _Parts(model, vocab_size, batch_size)
    blocks = model.choices.blocks
    sections = {
        "before": list(found.before()),
        "block": list(found.block()) if blocks else [],
        "after": list(found.after()) if blocks else [],
    }
    return {name: [asdict(part) for part in parts] for name, parts in sections.items()} | {
        "layers": model.n_layer if blocks else 0
    }


class _Parts:
    """What the sections are put together from."""

    def __init__(self, model: Shape, vocab_size: int, batch_size: int) -> None:
        self.choices: Choices = model.choices
        self.V, self.B, self.T = vocab_size, batch_size, model.block_size
        self.C, self.H = model.n_embd, model.n_head
        self.K, self.D, self.F = self.choices.n_kv_head, self.choices.head_width, self.choices.mlp_width
        self.stream = (self.B, self.T, self.C)

    def matrix(self, name: str, says: str, rows: int, columns: int, place: str = "branch") -> Part:
        """A product with a matrix of rows × columns: six operations a weight and token, forward and back."""
        weights = rows * columns
        biases = rows if self.choices.bias else 0
        flops = 6 * weights * self.B * self.T
        return Part(name, says, (self.B, self.T, rows), weights + biases, flops, place)

    def norm(self, says: str, place: str = "branch", width: int = 0, times: int = 1) -> Part:
        """A norm over the last dimension."""
        kind, width = self.choices.norm, width or self.C
        says = f"{says} Nothing in it is learned." if kind == "plain-rmsnorm" else says
        learned = {"layernorm": 1 + self.choices.bias, "rmsnorm": 1, "plain-rmsnorm": 0}[kind]
        return Part(NORMS[kind], says, self.stream, times * learned * width, 0, place)

    def before(self) -> Iterator[Part]:
        """From tokens to the start of the residual stream."""
        choices, V, C = self.choices, self.V, self.C
        yield Part("Tokens", "Numbers of letters or pieces of words.", (self.B, self.T))
        if not choices.blocks:
            table = (self.B, self.T, V)
            yield Part(
                "Bigram table",
                "For every token a row of scores for what follows.",
                table,
                V * V,
                V * self.B * self.T,
            )
            return
        yield Part("Token embeddings", "A row of numbers for every token.", self.stream, V * C)
        if choices.bigram_embeddings:
            rows = min(V * V, MAX_PAIRS)
            yield Part("Pair embeddings", "A row for every pair of neighbours, added.", self.stream, rows * C)
        if choices.ngram_embeddings:
            says = f"Rows for the last 2 to {choices.ngram_embeddings} tokens, added."
            rows = (choices.ngram_embeddings - 1) * choices.ngram_rows
            yield Part("N-gram embeddings", says, self.stream, rows * C)
        if choices.positions == "learned":
            says = "A row of numbers for every position, added."
            yield Part("Learned positions", says, self.stream, self.T * C)
        if choices.positions == "sinusoidal":
            yield Part(
                "Sinusoidal positions", "Waves of many lengths, added; nothing is learned.", self.stream
            )
        if choices.embedding_norm:
            yield self.norm("Every token starts with the same length.", "stream")
        if choices.smear:
            learned = min(C, SMEAR_INPUTS) + 1
            yield Part("Smear", "A little of the token before is mixed in.", self.stream, learned)

    def block(self) -> Iterator[Part]:
        """Attention, then MLP."""
        pre = self.choices.norm_place == "pre"
        if self.choices.x0_shortcut:
            says = "The embeddings once more, mixed into the stream."
            yield Part("x0 shortcut", says, self.stream, 2)
        for half, adds in (
            (self.attention(), "what attention found"),
            (self.mlp(), "what the MLP made of it"),
        ):
            if pre:
                yield self.norm("What is read is brought to one scale; the stream stays as it is.")
            yield from half
            yield Part("Add", f"The stream takes up {adds}.", self.stream, place="add")
            if not pre:
                yield self.norm("After the sum, the stream itself is brought to one scale.", "stream")

    def attention(self) -> Iterator[Part]:
        """Queries, keys, values; who looks at whom; back to the stream's width."""
        choices, B, T, H, K, D = self.choices, self.B, self.T, self.H, self.K, self.D
        shared = "" if K == H else f", which {H // K} heads share" if K > 1 else ", which all heads share"
        yield self.matrix(
            "Queries, keys, values",
            f"What {H} heads ask, {K} keys and values{shared}.",
            (H + 2 * K) * D,
            self.C,
        )
        if choices.value_embeddings:
            says = "Each layer has a table of its own for the tokens, added to the values."
            yield Part("Value embeddings", says, (B, K, T, D), self.V * K * D, place="branch")
        if choices.qk_norm:
            norm = self.norm(
                "Queries and keys get one length: only their direction counts.", width=D, times=2
            )
            yield Part("QK-norm", norm.says, (B, H, T, D), norm.parameters, place="branch")
        if choices.positions == "rope":
            says = "Queries and keys are turned by their position, so that distance can be seen."
            yield Part("RoPE", says, (B, H, T, D), place="branch")
        looks = "Who looks at whom, for every head"
        looks += ", nearer ones preferred (ALiBi)" if choices.positions == "alibi" else ""
        looks += f", at most {choices.window} tokens back" if choices.window < T else ""
        weights = (B, H, T, T)
        yield Part(
            "Attention",
            f"{looks}; values are mixed accordingly.",
            weights,
            0,
            12 * H * D * T * B * T,
            "branch",
        )
        yield self.matrix("Projection", "The heads' findings side by side, mixed into one.", self.C, H * D)

    def mlp(self) -> Iterator[Part]:
        """Each token by itself: widen, bend, narrow."""
        C, F, name = self.C, self.F, ACTIVATIONS[self.choices.activation]
        wide = 2 * F if self.choices.activation == "swiglu" else F
        yield self.matrix("Widen", "Every token by itself: questions about what it has gathered.", wide, C)
        yield Part(
            name, "Bends the line: without it two matrices would be one.", (self.B, self.T, F), place="branch"
        )
        yield self.matrix("Narrow", "The answers, brought back to the stream's width.", C, F)

    def after(self) -> Iterator[Part]:
        """From the stream to a score for every token."""
        if self.choices.norm_place == "pre":
            yield self.norm("The stream, at last, is brought to one scale.", "stream")
        scores, tied = (self.B, self.T, self.V), self.choices.tied
        says = "The embeddings once more: no numbers of its own." if tied else "A matrix of its own."
        says = f"A score for every possible next token. {says}"
        weights = self.V * self.C
        yield Part("Head", says, scores, 0 if tied else weights, 6 * weights * self.B * self.T)
        if self.choices.soft_cap:
            yield Part("Soft cap", f"Scores bend towards ±{self.choices.soft_cap:g}.", scores)

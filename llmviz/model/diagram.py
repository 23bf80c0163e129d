"""The model as a list of parts, in the order in which a text passes them: what each makes of it, the shape of
what comes out, and what it costs. The page draws it before anything is built. No torch.

V = vocab_size, B = batch_size, T = block_size, C = n_embd, H = n_head, K = heads of keys and values,
D = head width, F = MLP width.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from llmviz.model.choices import MAX_PAIRS, NORM_EPS, ROPE_BASE, SMEAR_INPUTS, Choices
from llmviz.model.size import Shape

NORMS = {"layernorm": "LayerNorm", "rmsnorm": "RMSNorm", "plain-rmsnorm": "RMSNorm"}
ACTIVATIONS = {
    "gelu": "GELU",
    "gelu-exact": "Exact GELU",
    "relu": "ReLU",
    "swiglu": "SwiGLU",
    "relu2": "ReLU²",
}
FIRST_WEIGHTS = {
    "gpt2": "small and normal, as GPT-2's",
    "pytorch": "PyTorch's own",
    "mup": "by µP's rule, which also gives wide matrices a lower learning rate",
    "zero": "small, and zero in whatever is added to the stream",
}


@dataclass(frozen=True)
class Part:
    """One box of the diagram."""

    name: str
    says: str  # one sentence
    shape: tuple[int, ...]  # of what comes out
    parameters: int = 0
    flops: int = 0  # of one training step, forward and backward
    place: str = "stream"  # "stream": on the residual stream; "branch": beside it; "add": back onto it
    detail: str = ""  # a choice that neither the name nor the shape shows


def diagram(model: Shape, vocab_size: int, batch_size: int) -> dict[str, Any]:
    """{"before", "block", "after": lists of parts, "layers", "notes"}: one block stands for all `layers` of
    them; notes are sentences on choices that no single part has made."""
    found = _Parts(model, vocab_size, batch_size)
    blocks = model.choices.blocks
    sections = {
        "before": list(found.before()),
        "block": list(found.block()) if blocks else [],
        "after": list(found.after()) if blocks else [],
    }
    return {name: [asdict(part) for part in parts] for name, parts in sections.items()} | {
        "layers": model.n_layer if blocks else 0,
        "notes": list(_notes(model)) if blocks else [],
    }


def _notes(model: Shape) -> Iterator[str]:
    choices = model.choices
    normal = f"normal, with a standard deviation of {choices.init_std:g}"
    yield f"First weights: {FIRST_WEIGHTS.get(choices.init, normal)}."
    if model.dropout:
        yield f"Dropout: {model.dropout:.0%} of what is embedded, looked at and added is left out at random."


class _Parts:
    """What the sections are put together from."""

    def __init__(self, model: Shape, vocab_size: int, batch_size: int) -> None:
        self.choices: Choices = model.choices
        self.V, self.B, self.T = vocab_size, batch_size, model.block_size
        self.C, self.H = model.n_embd, model.n_head
        self.K, self.D, self.F = self.choices.n_kv_head, self.choices.head_width, self.choices.mlp_width
        self.stream = (self.B, self.T, self.C)

    def matrix(self, name: str, says: str, rows: int, columns: int, detail: str = "") -> Part:
        """A product with a matrix of rows × columns: six operations a weight and token, forward and back."""
        weights = rows * columns
        biases = rows if self.choices.bias else 0
        flops = 6 * weights * self.B * self.T
        return Part(name, says, (self.B, self.T, rows), weights + biases, flops, "branch", detail)

    def norm(self, says: str, place: str = "branch", width: int = 0, times: int = 1) -> Part:
        """A norm over the last dimension."""
        kind, width = self.choices.norm, width or self.C
        says = f"{says} Nothing in it is learned." if kind == "plain-rmsnorm" else says
        learned = {"layernorm": 1 + self.choices.bias, "rmsnorm": 1, "plain-rmsnorm": 0}[kind]
        eps = self.choices.norm_eps
        detail = "" if eps == NORM_EPS[kind] else f"ε {eps:.2g}"
        return Part(NORMS[kind], says, self.stream, times * learned * width, 0, place, detail)

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
            longest, rows = choices.ngram_embeddings, choices.ngram_rows
            says = "Rows for the last two tokens, three, and so on, found by a hash and added."
            tables = (longest - 1) * rows * C
            detail = f"up to {longest} tokens, {rows:,} rows each"
            yield Part("N-gram embeddings", says, self.stream, tables, detail=detail)
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
        shared = "" if K == H else f"{H // K} heads share keys" if K > 1 else "all heads share keys"
        says = f"What {H} heads ask, and {K} {'keys' if K > 1 else 'key'} with their values to answer."
        yield self.matrix("Queries, keys, values", says, (H + 2 * K) * D, self.C, shared)
        if choices.value_embeddings:
            says = "Each layer has a table of its own for the tokens, added to the values."
            yield Part("Value embeddings", says, (B, K, T, D), self.V * K * D, place="branch")
        if choices.qk_norm:
            norm = self.norm(
                "Queries and keys get one length: only their direction counts.", width=D, times=2
            )
            shape = (B, H, T, D)
            yield Part("QK-norm", norm.says, shape, norm.parameters, place="branch", detail=norm.detail)
        if choices.positions == "rope":
            says = "Queries and keys are turned by their position, so that distance can be seen."
            base = "" if choices.rope_base == ROPE_BASE else f"base {choices.rope_base:,.6g}"
            yield Part("RoPE", says, (B, H, T, D), place="branch", detail=base)
        looks = ["ALiBi: the nearer, the more"] if choices.positions == "alibi" else []
        looks += [f"the last {choices.window} tokens only"] if choices.window < T else []
        says = "Who looks at whom, for every head; values are mixed accordingly."
        if choices.window < T:  # so `size.py` counts them, and so torch does
            says += " What the window hides is computed as well: it saves no work."
        flops = 12 * H * D * T * B * T
        yield Part("Attention", says, (B, H, T, T), 0, flops, "branch", "; ".join(looks))
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
        weights = self.V * self.C
        yield Part(
            "Head",
            "A score for every possible next token.",
            scores,
            0 if tied else weights,
            6 * weights * self.B * self.T,
            detail="the embeddings once more" if tied else "",
        )
        if self.choices.soft_cap:
            limit = f"at ±{self.choices.soft_cap:g}"
            yield Part("Soft cap", "Scores bend towards a limit and never pass it.", scores, detail=limit)

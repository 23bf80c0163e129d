"""How the training of a model is doing inside: what a doctor would listen to, layer by layer.

`diagnose` is a function of the weights and one batch: it reads the batch without dropout, half by half, asks
for the gradients of each half, and leaves model, gradients and dice as they were. So a run with diagnostics
ends with the very weights of one without. `WeightSample` then tells how far the step that follows moved them.
Everything is a returned value; no hook is hung on anything.

Shapes: B windows of T tokens, C = n_embd, V = vocab_size, L layers, H heads.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from llmviz.model.gpt import GPT
from llmviz.probes.portion import windows_to_read
from llmviz.probes.token_classes import TokenClasses

ENTROPY_WINDOWS, ENTROPY_TOKENS = 2, 256  # attention weights grow with the square of the tokens
SILENT = 1e-6  # a unit whose gradient is this small beside what reaches its layer was zero for every token
SAMPLED = 20_000  # numbers of a matrix by which its change is measured


@dataclass(frozen=True)
class Diagnosis:
    """What was found before one step. Lists over "places" begin with the embeddings (and all else outside of
    the blocks); then one number for each layer."""

    batch_loss: float  # nats a token, without dropout
    windows: int  # that were read
    activation: list[float]  # L + 1: root mean square of the residual stream where a place leaves it
    gradient: list[float]  # L + 1: root mean square of the gradients of a place's weights
    gradient_norm: float  # of all weights together, before clipping
    dead: list[float | None]  # L: share of MLP units that were zero for every token; None: cannot be seen
    entropy: list[list[float]]  # L × H: 1 looks at all it can see alike, 0 at a single token
    positions: list[float | None]  # mean loss at positions 0, 1, 2–3, 4–7, 8–15 …
    classes: dict[str, float]  # mean loss by the kind of token that was to be guessed
    signal: float | None  # squared length of the gradient that both halves share
    noise: float | None  # variance of the gradient of a single window, all weights together


def diagnose(
    model: GPT, inputs: Tensor, targets: Tensor, counted: Tensor, classes: TokenClasses
) -> Diagnosis:
    """Examine a model on one batch. inputs, targets: (B, T) token ids; counted: (B, T) bool, where a guess
    counts. Of a large batch only the first windows are read (`portion`)."""
    n = windows_to_read(*inputs.shape)
    inputs, targets, counted = inputs[:n], targets[:n], counted[:n]
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    parts = 2 if n > 1 else 1  # the two halves differ by chance only: that is how the noise is measured
    with _without_dropout(model):
        halves = [
            _read_half(model, weights, *half)
            for half in zip(*(part.chunk(parts) for part in (inputs, targets, counted)), strict=True)
        ]
        entropy = attention_entropy(model, inputs[:ENTROPY_WINDOWS, :ENTROPY_TOKENS])
    delta_norms = (
        torch.stack([half.delta_norms for half in halves]).square().sum(0).sqrt() / parts
    )  # (L + 1,)
    mean, squares, noise = _mean_and_noise([half.gradients for half in halves], n)
    total = math.fsum(squares)
    losses = torch.cat([half.losses for half in halves]).cpu().numpy().astype(np.float64)  # (B, T)
    counts = counted.cpu().numpy()
    return Diagnosis(
        batch_loss=float(losses.sum() / max(counts.sum(), 1)),
        windows=n,
        activation=torch.stack([half.activation for half in halves]).square().mean(0).sqrt().tolist(),
        gradient=_root_mean_squares(model, weights, squares),
        gradient_norm=math.sqrt(total),
        dead=_dead_units(model, weights, mean, delta_norms),
        entropy=entropy,
        positions=loss_by_position(losses, counts),
        classes=classes.mean_by_class(
            *(part.cpu().numpy()[counts] for part in (inputs, targets)), losses[counts]
        ),
        signal=None if noise is None else total - noise / n,
        noise=noise,
    )


@dataclass(frozen=True)
class _Half:
    """What reading a half of the batch, forward and backward, brought."""

    losses: Tensor  # (B, T) nats, 0 where a guess does not count
    activation: Tensor  # (L + 1,)
    gradients: list[Tensor]  # like the weights
    delta_norms: Tensor  # (L + 1,): length of the gradient that arrives at each place of the residual stream


def _read_half(model: GPT, weights: list[Tensor], inputs: Tensor, targets: Tensor, counted: Tensor) -> _Half:
    states = model.residual_states(inputs)
    logits = model.unembed(states[-1])  # (B, T, V)
    losses = F.cross_entropy(logits.transpose(1, 2), targets, reduction="none") * counted
    loss = losses.sum() / counted.sum().clamp(min=1)
    # Not loss.backward(): that would leave its gradients in the weights, for the next step to add to.
    found = torch.autograd.grad(loss, [*weights, *states], allow_unused=True, materialize_grads=True)
    gradients, deltas = list(found[: len(weights)]), found[len(weights) :]
    scale = math.sqrt(states[0].numel())
    return _Half(
        losses.detach(),
        torch.stack(torch._foreach_norm([state.detach() for state in states])) / scale,
        gradients,
        torch.stack(torch._foreach_norm(deltas)),
    )


def _mean_and_noise(halves: list[list[Tensor]], n: int) -> tuple[list[Tensor], list[float], float | None]:
    """The gradient of the whole batch; the square of its length, weight by weight; and the variance of a
    single window's gradient, by how far the gradients of the halves lie apart.

    Two means over n/2 windows each, of variance Σ a window: half of their difference has the expected square
    tr(Σ)/n. Source: McCandlish et al. 2018, "An Empirical Model of Large-Batch Training", appendix A.1.
    """
    if len(halves) == 1:
        return halves[0], _squares(halves[0]), None
    mean, half_apart = halves  # first half and second, made into what is wanted in place: memory is short
    torch._foreach_sub_(half_apart, mean)
    torch._foreach_mul_(half_apart, 0.5)
    torch._foreach_add_(mean, half_apart)
    return mean, _squares(mean), n * math.fsum(_squares(half_apart))


def _squares(tensors: list[Tensor]) -> list[float]:
    """The sum of squares of each, brought over from the device at once."""
    return [norm * norm for norm in torch.stack(torch._foreach_norm(tensors)).tolist()]


def _root_mean_squares(model: GPT, weights: list[Tensor], squares: list[float]) -> list[float]:
    """From sums of squares by weight to one root mean square for each place."""
    sums, sizes = np.zeros(len(model.blocks) + 1), np.zeros(len(model.blocks) + 1)
    for place, weight, square in zip(places(model), weights, squares, strict=True):
        sums[place] += square
        sizes[place] += weight.numel()
    return np.sqrt(sums / np.maximum(sizes, 1)).tolist()


def places(model: GPT) -> list[int]:
    """To which place each learned weight belongs: 0 is outside of the blocks, i + 1 is layer i."""
    names = [name for name, weight in model.named_parameters() if weight.requires_grad]
    return [int(name.split(".")[1]) + 1 if name.startswith("blocks.") else 0 for name in names]


def _dead_units(
    model: GPT, weights: list[Tensor], gradients: list[Tensor], delta_norms: Tensor
) -> list[float | None]:
    """The share of each layer's MLP units that said nothing to any token.

    A unit speaks through one column of the MLP's last matrix, whose gradient is the sum over all tokens of
    what the unit said times what would have been useful (delta). If it never said anything, the column's
    gradient is zero, and so is that of all weights leading to the unit: it cannot come back by itself.
    """
    gradient_of = {id(weight): gradient for weight, gradient in zip(weights, gradients, strict=True)}
    shares: list[float | None] = []
    for block, delta in zip(model.blocks, delta_norms[1:], strict=True):
        gradient = gradient_of.get(id(block.mlp.c_proj.weight))  # (C, units)
        seen = gradient is not None and float(delta) > 0  # behind a head of zeros nothing can be seen yet
        shares.append(float((gradient.norm(dim=0) <= SILENT * delta).float().mean()) if seen else None)
    return shares


@torch.no_grad()
def attention_entropy(model: GPT, inputs: Tensor) -> list[list[float]]:
    """How widely each head looks around, L × H: the entropy of its weights over that of looking at all it can
    see alike, as a mean over tokens. The first token, which sees only itself, is left out; [] if all do."""
    sight = min(inputs.shape[1], model.config.choices.window or inputs.shape[1])  # tokens seen at most
    if sight < 2:
        return []
    _, maps = model.forward_with_attention(inputs)  # L of (B, H, T, T)
    widest = [math.log(min(seen, sight)) for seen in range(2, inputs.shape[1] + 1)]  # (T - 1,) nats
    heads = [
        (torch.special.entr(weights[:, :, 1:]).sum(-1) / weights.new_tensor(widest)).mean((0, 2))
        for weights in maps
    ]
    return torch.stack(heads).tolist() if heads else []


def loss_by_position(losses: np.ndarray, counted: np.ndarray) -> list[float | None]:
    """Mean loss at position 0, 1, 2–3, 4–7, 8–15 and so on; None where no guess counted. Both: (B, T)."""
    T = losses.shape[1]
    starts = [0, *(2**k for k in range(T.bit_length()) if 2**k < T)]
    sums, counts = (np.add.reduceat(values.sum(0), starts) for values in (losses, counted))
    return [float(s / c) if c else None for s, c in zip(sums, counts, strict=True)]


@contextmanager
def _without_dropout(model: nn.Module) -> Iterator[None]:
    """Gradients as usual, but no dropout; afterwards the model is in the mode it was in."""
    was_training = model.training
    if was_training:
        model.eval()
    try:
        with torch.enable_grad():
            yield
    finally:
        if was_training:
            model.train()


class WeightSample:
    """The matrices of a model as they were: all their numbers, or of a large one some, evenly spread. Biases
    and gains are left out: those that start at zero would make any step look endless."""

    def __init__(self, model: GPT) -> None:
        weights = [weight for weight in model.parameters() if weight.requires_grad]
        chosen = [(p, w) for p, w in zip(places(model), weights, strict=True) if w.dim() >= 2]
        self._n_places = len(model.blocks) + 1
        self._places = [place for place, _ in chosen]
        self._weights = [weight.detach() for _, weight in chosen]
        # An odd stride: an even one would look at the same few columns in every row.
        self._strides = [weight.numel() // SAMPLED | 1 for weight in self._weights]
        self._before = [sample.clone() for sample in self._now()]

    def _now(self) -> list[Tensor]:
        return [w.reshape(-1)[::stride] for w, stride in zip(self._weights, self._strides, strict=True)]

    def update_ratios(self) -> list[float | None]:
        """How far the weights have moved since then, as a share of their length, L + 1 places; None where all
        were zero."""
        moved = _squares(torch._foreach_sub(self._now(), self._before))
        moves, lengths = np.zeros(self._n_places), np.zeros(self._n_places)
        for place, stride, move, length in zip(
            self._places, self._strides, moved, _squares(self._before), strict=True
        ):
            moves[place] += stride * move
            lengths[place] += stride * length
        return [
            math.sqrt(move / length) if length else None for move, length in zip(moves, lengths, strict=True)
        ]

"""Initialisations: how large the random weights are at the start, and what follows for their learning rate.

Only linear layers and embeddings are random. Norms begin with a gain of 1, biases at 0 (but PyTorch's own),
and shortcuts wherever they say.
"""

import math
from collections.abc import Iterator

from torch import nn

from llmviz.model.config import GPTConfig

MUP_BASE = 64  # the width at which all of µP's learning rates are the same


class Initial:
    """PyTorch's own start, which its modules make by themselves: matrices uniform on ±1/√fan-in, and
    embeddings with a standard deviation of 1. What all others are variations of."""

    def fill(self, model: nn.Module) -> None:
        """Give every weight its first value."""

    def lr_multipliers(self, model: nn.Module) -> dict[str, float]:
        """{parameter's name: how many times the learning rate it gets}; those not named get it once."""
        return {}


class NormalInitial(Initial):
    """All weights normal, with one standard deviation."""

    def __init__(self, std: float) -> None:
        self.std = std

    def fill(self, model: nn.Module) -> None:
        """Small normal weights, zero biases."""
        for _, module in random_modules(model):
            nn.init.normal_(module.weight, std=self.std)
        zero_biases(model)


class GPT2Initial(NormalInitial):
    """GPT-2's: a standard deviation of 0.02, quieter projections in deeper models (Radford et al. 2019)."""

    def __init__(self, n_layer: int) -> None:
        super().__init__(std=0.02)
        self.projections = 0.02 / math.sqrt(2 * n_layer)

    def fill(self, model: nn.Module) -> None:
        """Small normal weights, zero biases; the sum of all projections is to stay as large as one."""
        super().fill(model)
        for name, module in random_modules(model):
            if name.endswith("c_proj"):
                nn.init.normal_(module.weight, std=self.projections)


class ZeroInitial(Initial):
    """The modern one: whatever writes into the stream, and a head of its own, starts at zero.

    A new model is then exactly a blind guess, and each part grows only as far as it helps. Other matrices are
    uniform with a variance of 1/fan-in, embeddings small. A tied head cannot be zero, being the embeddings.
    """

    def fill(self, model: nn.Module) -> None:
        """Uniform matrices; zeros wherever something is added or read off."""
        for name, module in random_modules(model):
            if isinstance(module, nn.Embedding):
                nn.init.normal_(module.weight, std=0.02)
            elif name.endswith("c_proj") or name == "lm_head":
                nn.init.zeros_(module.weight)
            else:
                bound = math.sqrt(3 / module.in_features)  # uniform on ±√3·σ has standard deviation σ
                nn.init.uniform_(module.weight, -bound, bound)
        zero_biases(model)


class MuPInitial(Initial):
    """Maximal update parametrisation: every layer learns as fast at every width, and so the best learning
    rate of a narrow model is that of a wide one.

    Matrices with two sides that grow have a variance of 1/fan-in and a learning rate of 1/width; the head, of
    which one side grows, has that rate and a variance of 1/width²; embeddings keep both at any width. Scores
    are divided by D instead of √D (`heads.py`). For AdamW. Source: Yang et al. 2022, "Tensor Programs V:
    Tuning large neural networks via zero-shot hyperparameter transfer", table 3. (Tried first: GPT-2's small
    start at width 64, and from there by these rules. Attention then takes longer to begin: loss 2.32 instead
    of 2.19 after 300 steps on tiny Shakespeare.)
    """

    def __init__(self, n_embd: int, n_layer: int) -> None:
        self.rate = MUP_BASE / n_embd
        self.n_layer = n_layer

    def fill(self, model: nn.Module) -> None:
        """Normal weights; those of projections are quieter in deeper models, as GPT-2's are."""
        for name, module in random_modules(model):
            std = 1.0
            if isinstance(module, nn.Linear):
                std = 1 / math.sqrt(module.in_features)
            if name == "lm_head":
                std *= math.sqrt(self.rate)
            elif name.endswith("c_proj"):
                std /= math.sqrt(2 * self.n_layer)
            nn.init.normal_(module.weight, std=std)
        zero_biases(model)

    def lr_multipliers(self, model: nn.Module) -> dict[str, float]:
        """All matrices of linear layers, the head's too."""
        linears = ((name, m) for name, m in random_modules(model) if isinstance(m, nn.Linear))
        return {f"{name}.weight": self.rate for name, _ in linears}


def random_modules(model: nn.Module) -> Iterator[tuple[str, nn.Linear | nn.Embedding]]:
    """The linear layers and embeddings, with their names, in the order in which they were made."""
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear | nn.Embedding):
            yield name, module


def zero_biases(model: nn.Module) -> None:
    """All biases of linear layers to zero."""
    for _, module in random_modules(model):
        if getattr(module, "bias", None) is not None:
            nn.init.zeros_(module.bias)


def make_initial(config: GPTConfig) -> Initial:
    """The one that the config names."""
    match config.choices.init:
        case "gpt2":
            return GPT2Initial(config.n_layer)
        case "pytorch":
            return Initial()
        case "mup":
            return MuPInitial(config.n_embd, config.n_layer)
        case "zero":
            return ZeroInitial()
        case "std":
            return NormalInitial(config.choices.init_std)
    raise ValueError(f"There is no initialisation {config.choices.init!r}.")

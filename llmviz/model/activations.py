"""MLPs: each token by itself is widened, bent and narrowed again; they differ in what bends."""

import torch.nn.functional as F
from torch import Tensor, nn

from llmviz.model.config import GPTConfig
from llmviz.model.linear import Linear


class SquaredReLU(nn.Module):
    """The positive part, squared. Source: So et al. 2021, "Primer"."""

    def forward(self, x: Tensor) -> Tensor:
        """Any shape → the same shape."""
        return F.relu(x).square()


class MLP(nn.Module):
    """Two matrices with a bend between them."""

    def __init__(self, config: GPTConfig, bend: nn.Module) -> None:
        super().__init__()
        width, bias = config.choices.mlp_width, config.choices.bias
        self.c_fc = Linear(config.n_embd, width, bias=bias)
        self.bend = bend
        self.c_proj = Linear(width, config.n_embd, bias=bias)
        self.dropout = nn.Dropout(config.dropout)

    def hidden(self, x: Tensor) -> Tensor:
        """(B, T, C) → (B, T, F): what the neurons between the matrices say."""
        return self.bend(self.c_fc(x))

    def narrow(self, hidden: Tensor) -> Tensor:
        """(B, T, F) → (B, T, C)."""
        return self.dropout(self.c_proj(hidden))

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, C) → (B, T, C)."""
        return self.narrow(self.hidden(x))


class GatedMLP(MLP):
    """SwiGLU: a third matrix decides how much of each number passes. Source: Shazeer 2020, "GLU variants"."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__(config, nn.SiLU())
        self.c_gate = Linear(config.n_embd, config.choices.mlp_width, bias=config.choices.bias)

    def hidden(self, x: Tensor) -> Tensor:
        """(B, T, C) → (B, T, F)."""
        return self.bend(self.c_gate(x)) * self.c_fc(x)


def make_mlp(config: GPTConfig) -> MLP:
    """The MLP that the config names."""
    match config.choices.activation:
        case "gelu":
            return MLP(config, nn.GELU("tanh"))  # the approximation that GPT-2 was trained with
        case "gelu-exact":  # x · Φ(x), with the normal distribution itself (Hendrycks & Gimpel 2016)
            return MLP(config, nn.GELU())
        case "relu":
            return MLP(config, nn.ReLU())
        case "relu2":
            return MLP(config, SquaredReLU())
        case "swiglu":
            return GatedMLP(config)
    raise ValueError(f"There is no activation {config.choices.activation!r}.")

"""A whole model of any parts, written out once more in numpy with 64-bit numbers, token by token where that
is plainer. Nothing of llmviz.model is used: names of weights and the settled choices are all it is given.

Shapes: T tokens, C = n_embd, H heads, K heads of keys and values, D = head width.
"""

import math
from typing import Any

import numpy as np

Weights = dict[str, np.ndarray]
SCATTER = 0x9E3779B97F4A7C15
MUP_HEAD = 16


class Formula:
    """`Formula(settings, vocabulary, weights).read(ids)` → logits (T, V), maps of (H, T, T) by layer."""

    def __init__(self, settings: Any, vocabulary: int, weights: Weights) -> None:
        self.settings, self.parts = settings, settings.choices
        self.V, self.weights = vocabulary, weights
        self.C, self.H = settings.n_embd, settings.n_head
        self.K, self.D = self.parts.n_kv_head, self.parts.head_width

    def read(self, ids: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
        x = first = self.embed(ids)
        maps = []
        for layer in range(self.settings.n_layer):
            at = f"blocks.{layer}"
            if self.parts.x0_shortcut:
                of_stream, of_first = self.weights[f"{at}.mix.shares"]
                x = of_stream * x + of_first * first
            before = self.norm(x, f"{at}.ln_1") if self.parts.norm_place == "pre" else x
            mixed, weights = self.attention(before, ids, f"{at}.attn")
            maps.append(weights)
            if self.parts.norm_place == "pre":
                x = x + mixed
                x = x + self.mlp(self.norm(x, f"{at}.ln_2"), f"{at}.mlp")
            else:
                x = self.norm(x + mixed, f"{at}.ln_1")
                x = self.norm(x + self.mlp(x, f"{at}.mlp"), f"{at}.ln_2")
        return self.scores(x), maps

    def scores(self, x: np.ndarray) -> np.ndarray:
        if self.parts.norm_place == "pre":
            x = self.norm(x, "ln_f")
        scores = x @ self.weights["wte.weight" if self.parts.tied else "lm_head.weight"].T
        cap = self.parts.soft_cap
        return cap * np.tanh(scores / cap) if cap else scores

    # ------------------------------------------------------------ embeddings

    def embed(self, ids: np.ndarray) -> np.ndarray:
        x = self.weights["wte.weight"][ids]
        for t in range(len(ids)):
            if self.parts.bigram_embeddings and t:
                table = self.weights["pairs.weight"]
                x[t] += table[(ids[t - 1] * self.V + ids[t]) % len(table)]
            for length in range(2, self.parts.ngram_embeddings + 1):
                x[t] += self.weights["ngrams.weight"][self.ngram_row(ids, t, length)]
        x = self.place(x)
        if self.parts.embedding_norm:
            x = self.norm(x, "ln_0")
        return self.smear(x) if self.parts.smear else x

    def ngram_row(self, ids: np.ndarray, t: int, length: int) -> int:
        number = 0
        for back in range(length):
            number = number * (self.V + 1) + (int(ids[t - back]) + 1 if back <= t else 0)
        scattered = number * SCATTER % 2**64
        signed = scattered - 2**64 if scattered >= 2**63 else scattered
        rows = self.parts.ngram_rows
        return (signed >> 32) % rows + (length - 2) * rows

    def place(self, x: np.ndarray) -> np.ndarray:
        if self.parts.positions == "learned":
            return x + self.weights["wpe.weight"][: len(x)]
        if self.parts.positions != "sinusoidal":
            return x
        waves = np.empty_like(x)
        for t in range(len(x)):
            for i in range(self.C):
                angle = t / 10_000 ** ((i - i % 2) / self.C)
                waves[t, i] = math.cos(angle) if i % 2 else math.sin(angle)
        return x * math.sqrt(self.C) + waves

    def smear(self, x: np.ndarray) -> np.ndarray:
        gate, smeared = self.weights["smear.gate"], x.copy()
        for t in range(1, len(x)):
            share = self.weights["smear.scale"][0] / (1 + math.exp(-float(x[t, : len(gate)] @ gate)))
            smeared[t] += share * x[t - 1]
        return smeared

    # ------------------------------------------------------------ a block

    def norm(self, x: np.ndarray, name: str) -> np.ndarray:
        if self.parts.norm == "layernorm":
            x = x - x.mean(-1, keepdims=True)
        x = x / np.sqrt((x**2).mean(-1, keepdims=True) + self.parts.norm_eps)
        if self.parts.norm != "plain-rmsnorm":
            x = x * self.weights[f"{name}.weight"]
        return x + self.weights[f"{name}.bias"] if f"{name}.bias" in self.weights else x

    def linear(self, x: np.ndarray, name: str) -> np.ndarray:
        return x @ self.weights[f"{name}.weight"].T + self.weights.get(f"{name}.bias", 0.0)

    def attention(self, x: np.ndarray, ids: np.ndarray, at: str) -> tuple[np.ndarray, np.ndarray]:
        H, K, D = self.H, self.K, self.D
        made = self.linear(x, f"{at}.c_attn").reshape(len(x), H + 2 * K, D)
        found, maps = [], []
        for head in range(H):
            served_by = head // (H // K)
            q, k, v = (made[:, i] for i in (head, H + served_by, H + K + served_by))
            if self.parts.qk_norm:
                q, k = self.norm(q, f"{at}.q_norm"), self.norm(k, f"{at}.k_norm")
            if self.parts.positions == "rope":
                q, k = self.turned(q), self.turned(k)
            if self.parts.value_embeddings:
                v = v + self.weights[f"{at}.values.weight"][ids].reshape(len(x), K, D)[:, served_by]
            weights = self.looks(q @ k.T, head)
            found.append(weights @ v)
            maps.append(weights)
        return self.linear(np.concatenate(found, axis=1), f"{at}.c_proj"), np.stack(maps)

    def looks(self, products: np.ndarray, head: int) -> np.ndarray:
        """(T, T) products of queries and keys → how much each token looks at each."""
        usual = math.sqrt(self.D) if self.parts.init != "mup" else self.D / math.sqrt(MUP_HEAD)
        scores = products / usual
        for i in range(len(scores)):
            for j in range(len(scores)):
                if j > i or i - j >= self.parts.window:
                    scores[i, j] = -np.inf
                elif self.parts.positions == "alibi":
                    scores[i, j] -= slopes(self.H)[head] * (i - j)
        e = np.exp(scores - scores.max(-1, keepdims=True))
        return e / e.sum(-1, keepdims=True)

    def turned(self, x: np.ndarray) -> np.ndarray:
        out = np.empty_like(x)
        for t in range(len(x)):
            for pair, speed in enumerate(self.speeds()):
                a, b = x[t, 2 * pair : 2 * pair + 2]
                c, s = math.cos(t * speed), math.sin(t * speed)
                out[t, 2 * pair : 2 * pair + 2] = a * c - b * s, a * s + b * c
        return out

    def speeds(self) -> list[float]:
        parts = self.parts
        speeds = [parts.rope_base ** (-2 * pair / self.D) for pair in range(self.D // 2)]
        if parts.rope_scaling == "linear":
            return [speed / parts.rope_factor for speed in speeds]
        return [self.llama3(speed) for speed in speeds] if parts.rope_scaling == "llama3" else speeds

    def llama3(self, speed: float) -> float:
        """As Meta's code has it, by wave lengths."""
        parts, length = self.parts, 2 * math.pi / speed
        if length < parts.rope_original / parts.rope_high:
            return speed
        if length > parts.rope_original / parts.rope_low:
            return speed / parts.rope_factor
        smooth = (parts.rope_original / length - parts.rope_low) / (parts.rope_high - parts.rope_low)
        return (1 - smooth) * speed / parts.rope_factor + smooth * speed

    def mlp(self, x: np.ndarray, at: str) -> np.ndarray:
        wide = self.linear(x, f"{at}.c_fc")
        match self.parts.activation:
            case "swiglu":
                gate = self.linear(x, f"{at}.c_gate")
                bent = wide * gate / (1 + np.exp(-gate))
            case "gelu":
                bent = 0.5 * wide * (1 + np.tanh(math.sqrt(2 / math.pi) * (wide + 0.044715 * wide**3)))
            case "gelu-exact":
                bent = 0.5 * wide * (1 + np.vectorize(math.erf)(wide / math.sqrt(2)))
            case "relu":
                bent = np.maximum(wide, 0)
            case "relu2":
                bent = np.maximum(wide, 0) ** 2
        return self.linear(bent, f"{at}.c_proj")


def slopes(heads: int) -> list[float]:
    """ALiBi's, as in the code of its authors."""
    if math.log2(heads).is_integer():
        start = 2 ** (-(2 ** -(math.log2(heads) - 3)))
        return [start ** (h + 1) for h in range(heads)]
    lower = 2 ** math.floor(math.log2(heads))
    return slopes(lower) + slopes(2 * lower)[0::2][: heads - lower]

"""Small models that every test of this room can have."""

import pytest

from llmviz.model import GPT, GPTConfig


@pytest.fixture(params=["gpt2", "modern"])
def architecture(request) -> str:
    return request.param


@pytest.fixture
def make_model():
    """make_model("gpt2", n_layer=1, …) → a model in eval mode with every weight random, none left at zero."""

    def make(architecture: str, **shape) -> GPT:
        import torch

        torch.manual_seed(0)
        sizes = {"vocab_size": 31, "block_size": 16, "n_layer": 2, "n_head": 4, "n_embd": 32} | shape
        model = GPT(GPTConfig(architecture=architecture, **sizes)).eval()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(torch.randn_like(parameter) * 0.1)
        return model

    return make

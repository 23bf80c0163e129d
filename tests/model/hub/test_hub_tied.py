"""A tied head is the embeddings once more, whichever of the two names the file has them under."""

import pytest
import torch
from safetensors.torch import load_file, save_file

from llmviz.model.hub import ForeignModelError
from tests.model.hub.foreign import check_logits, our_model

transformers = pytest.importorskip("transformers")

HEAD = "lm_head.weight"
LLAMA = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 4}
LLAMA |= {"max_position_embeddings": 16, "tie_word_embeddings": True, "pad_token_id": None}
CONFIGS = {
    "transformer.wte.weight": lambda: transformers.GPT2Config(n_positions=16, n_embd=32, n_layer=1, n_head=2),
    "model.embed_tokens.weight": lambda: transformers.LlamaConfig(**LLAMA),
    "model.embed_tokens.weight of NanoChat": lambda: transformers.NanoChatConfig(**LLAMA),
}


@pytest.fixture(params=CONFIGS)
def tied(request, save_foreign):
    """The folder of a tied model, its tensors, and what they call the embeddings."""
    folder = save_foreign(CONFIGS[request.param](), padding=5)
    return folder, load_file(folder / "model.safetensors"), request.param.partition(" ")[0]


def store(folder, tensors):
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})


def test_stored_twice_or_as_the_head_alone(tied):
    folder, tensors, embeddings = tied
    store(folder, tensors | {HEAD: tensors[embeddings].clone()})
    check_logits(folder)
    store(folder, tensors | {HEAD: tensors.pop(embeddings)})
    check_logits(folder)


def test_two_that_differ_are_refused(tied):
    """transformers 4 takes the embeddings for both, transformers 5 each for what it is called."""
    folder, tensors, embeddings = tied
    store(folder, tensors | {HEAD: tensors[embeddings] + torch.randn_like(tensors[embeddings])})
    with pytest.raises(ForeignModelError, match=r"two that differ.*“tie_word_embeddings”: false.*\.$"):
        our_model(folder)

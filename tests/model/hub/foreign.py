"""What the tests of weights in and out share: the other side, made by `transformers` and `tokenizers`."""

import shutil
from pathlib import Path
from typing import Any

import torch


def train_gpt2_tokenizer(text: str) -> Any:
    """Byte-level BPE with everything around it as in GPT-2's own file."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=300, special_tokens=["<|endoftext|>"], initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator([text], trainer)
    return tokenizer


def save_model(
    folder: Path, config: Any, tokenizer: Path, *, padding: int = 0, dtype=torch.float32, **how: Any
) -> Path:
    """A model of the configuration's class, every weight moved away from where it starts."""
    from tokenizers import Tokenizer
    from transformers import AutoModelForCausalLM

    config.vocab_size = Tokenizer.from_file(str(tokenizer)).get_vocab_size() + padding
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    model.to(dtype).save_pretrained(folder, **how)
    shutil.copyfile(tokenizer, folder / "tokenizer.json")
    return folder


def their_logits(folder: Path, ids: torch.Tensor) -> torch.Tensor:
    """What `transformers` computes, in float32."""
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    with torch.no_grad():
        return model(ids).logits


def our_model(folder: Path) -> Any:
    """The model of ours that a folder becomes."""
    from llmviz.model import build_gpt, load_into
    from llmviz.model.hub import foreign_shape, foreign_weights, open_checkpoint
    from llmviz.settings import parse_settings
    from llmviz.text.tokenizers import load_tokenizer

    checkpoint = open_checkpoint(folder)
    vocab_size = load_tokenizer(checkpoint.tokenizer).vocab_size
    model = build_gpt(parse_settings(foreign_shape(checkpoint.config)).model, vocab_size, seed=0)
    load_into(model, foreign_weights(checkpoint, vocab_size))
    return model.eval()


def check_logits(folder: Path) -> None:
    """Ours are theirs, for every token there is."""
    model = our_model(folder)
    ids = torch.randint(model.config.vocab_size, (3, model.config.block_size))
    with torch.no_grad():
        ours = model(ids)
    assert ours.std() > 0.01
    assert (ours - their_logits(folder, ids)[..., : model.config.vocab_size]).abs().max() <= 1e-4

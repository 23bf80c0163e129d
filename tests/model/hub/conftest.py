"""Models as `transformers` saves them: small, with random weights, none left at zero."""

from collections.abc import Callable
from pathlib import Path

import pytest

TEXT = "It's 9 o'clock, isn't it?\n\n  She said: «Ça va», 12345 times 😊 — and  left.\tDone <|endoftext|> now"


@pytest.fixture(scope="session")
def gpt2_tokenizer(tmp_path_factory) -> Path:
    """A tokenizer.json in GPT-2's layout, learned by `tokenizers` itself."""
    from tests.model.hub.foreign import train_gpt2_tokenizer

    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    train_gpt2_tokenizer(TEXT * 3).save(str(path))
    return path


@pytest.fixture
def save_foreign(tmp_path, gpt2_tokenizer) -> Callable[..., Path]:
    """save_foreign(config, padding=0, **how) → a folder with a model of that configuration's class and its
    tokenizer; the vocabulary is the tokenizer's and `padding` rows more."""
    from tests.model.hub.foreign import save_model

    return lambda config, **how: save_model(tmp_path / "theirs", config, gpt2_tokenizer, **how)

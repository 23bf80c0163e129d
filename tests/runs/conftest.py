"""A run so small that its whole training takes a fraction of a second, and its text, built once."""

from collections.abc import Callable
from pathlib import Path

import pytest

from llmviz.runs.directory import RunDirectory, create_run
from llmviz.settings import RunSettings, parse_settings

TINY = {
    "corpus": "dinosaurs",
    "corpus_chars": 20_000,
    "tokenizer": "chars",
    "architecture": "modern",
    "n_layer": 1,
    "n_head": 2,
    "n_embd": 16,
    "block_size": 16,
    "batch_size": 4,
    "dropout": 0.1,  # so that the dice of dropout are part of every test of exactness
    "max_steps": 40,
    "warmup_steps": 4,
    "eval_interval": 10,
    "eval_windows": 8,
    "max_new_tokens": 6,
    "threads": 1,
}


@pytest.fixture
def tiny() -> Callable[..., RunSettings]:
    """Settings of the smallest sensible run; keyword arguments change some."""
    return lambda **more: parse_settings(TINY | more)


@pytest.fixture(scope="session")
def tiny_data(tmp_path_factory) -> Path:
    """The data root that all tiny runs share."""
    return tmp_path_factory.mktemp("tiny") / "data"


@pytest.fixture
def tiny_run(tmp_path, tiny) -> Callable[..., RunDirectory]:
    """Creates a tiny run that has not been prepared yet; keyword arguments change its settings."""
    return lambda **more: create_run(tmp_path / "runs", tiny(**more), name="Amber Otter", owner_hash="o")

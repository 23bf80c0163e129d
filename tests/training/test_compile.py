"""A compiled model learns what the plain one does. Slow: it is a compiler that is waited for."""

import functools
import shutil

import pytest
import torch

from llmviz.training import Trainer
from llmviz.training.costs import COMPILE_SECONDS, compile_seconds
from tests.training.tiny import settings
from tests.training.tiny import trainer as tiny_trainer

MORE = {"n_layer": 1, "batch_size": 40, "max_steps": 6, "warmup_steps": 0}
GROWING = {"start_batch": 10, "start_context": 4, "growth_share": 0.9, "accumulation": 3, "max_steps": 12}


def trainer(**more) -> Trainer:
    return tiny_trainer(**MORE | more)


@pytest.fixture
def slow_compiler(monkeypatch):
    """In place of the compiler: takes 20 s for every new shape, and notes them. Nothing else takes time."""
    met, now = [], [0.0]
    monkeypatch.setattr("llmviz.training.trainer.time.perf_counter", lambda: now[0])

    def compiled(measure):
        def translated(piece):
            if piece.inputs.shape not in met:
                now[0] += 20
                met.append(piece.inputs.shape)
            return measure(piece)

        return translated

    monkeypatch.setattr("llmviz.training.trainer.compiled", compiled)
    monkeypatch.setattr("llmviz.training.hardware._has_compiler", lambda _: True)
    return met


def test_no_step_is_as_long_as_the_compiler_takes_for_a_new_size(slow_compiler):
    plain, growing = trainer(**GROWING), trainer(compile=True, **GROWING)
    while not growing.finished:
        record = growing.step()
        assert record.seconds == 0
        assert record.loss == plain.step().loss, "what is tried out leaves no trace"
    assert len(slow_compiler) > 4
    assert growing.seconds == 0


def test_how_long_the_compiler_takes_is_known_before(slow_compiler):
    for more in ({}, GROWING, {"accumulation": 40}, {"accumulation": 7}):
        slow_compiler.clear()
        growing = trainer(compile=True, **more)
        while not growing.finished:
            growing.step()
        assert (
            compile_seconds(settings(**MORE | {"compile": True} | more))
            == len(slow_compiler) * COMPILE_SECONDS
        )
    assert compile_seconds(settings(**MORE)) == 0


def test_another_dropout_is_compiled_for_anew(slow_compiler):
    """It is a constant of the program: the compiler's time is not the step's then either."""
    changing = trainer(compile=True)
    changing.step()
    changing.change(dropout=0.2)
    slow_compiler.clear()  # what PyTorch does: it compares the constant
    assert changing.step().seconds == 0


@pytest.mark.slow
def test_every_size_is_translated_however_many_there_are(monkeypatch):
    """Beyond eight, PyTorch as it comes would go on without, and not say so. Nothing is made of the
    translation here: that takes long, and comes after."""
    monkeypatch.setattr("torch._dynamo.config.fail_on_recompile_limit_hit", True)
    monkeypatch.setattr(torch, "compile", functools.partial(torch.compile, backend="eager"))
    more = GROWING | {"start_batch": 5, "batch_size": 48, "growth_share": 0.6}
    plain, translated = trainer(**more), trainer(compile=True, **more)
    while not translated.finished:
        assert translated.step().loss == pytest.approx(plain.step().loss, rel=1e-5)
    assert len(translated._compiled_for) > 8


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("g++"), reason="there is no C++ compiler")
@pytest.mark.filterwarnings("error:Torchinductor does not support")
@pytest.mark.parametrize("architecture", ["gpt2", "modern"])
def test_compiled_or_not_the_same_losses(architecture):
    plain, compiled = (trainer(architecture=architecture, compile=on) for on in (False, True))
    assert compiled._learn is not compiled._measure
    assert compiled.step().seconds < 1, "the compiler's time is not the step's"
    plain.step()
    for _ in range(4):
        assert compiled.step().loss == pytest.approx(plain.step().loss, rel=1e-4)
    assert compiled.loss_ahead() == pytest.approx(plain.loss_ahead(), rel=1e-4)
    assert compiled.state()[0].keys() == plain.state()[0].keys()
    for name, tensor in compiled.model.state_dict().items():
        torch.testing.assert_close(tensor, plain.model.state_dict()[name], rtol=1e-3, atol=1e-5)

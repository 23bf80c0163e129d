"""A new try has a lower learning rate, whatever the optimizer understands by one."""

import pytest

from llmviz.runs.inline import run_inline
from llmviz.runs.retry import retry_run
from llmviz.runs.session import Session
from llmviz.runs.slices import Budget, train_slice


def test_the_matrices_of_muon_get_a_lower_rate_too(tiny_run, tiny_data, tmp_path):
    asked = {"optimizer": "muon", "learning_rate": 0.06, "matrix_learning_rate": 0.3, "max_steps": 8}
    run = tiny_run(**asked)
    with Session(run, tiny_data) as session:
        train_slice(session, Budget(steps=2))
        session.change(learning_rate=0.0024)
    run_inline(run, data_root=tiny_data)
    training = retry_run(tmp_path / "runs", run, name="Again").settings().training
    assert training.learning_rate == pytest.approx(0.0008)
    assert training.matrix_learning_rate == pytest.approx(0.004)


@pytest.mark.parametrize(("optimizer", "rate", "lower"), [("sgd", 0.9, 0.05), ("lion", 0.9, 1e-3)])
def test_what_small_models_bear_depends_on_the_optimizer(
    tiny_run, tiny_data, tmp_path, optimizer, rate, lower
):
    run = tiny_run(optimizer=optimizer, learning_rate=1e-3, max_steps=8)
    with Session(run, tiny_data) as session:
        train_slice(session, Budget(steps=1))
        session.change(learning_rate=rate)
    assert retry_run(tmp_path / "runs", run, name="Again").settings().training.learning_rate == lower

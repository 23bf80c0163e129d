"""What is done ahead of time: texts, then measuring; and a run that trains comes first."""

import pytest

from llmviz.runs import housekeeping
from llmviz.runs.host import Host
from llmviz.settings import parse_settings


@pytest.fixture
def quick(monkeypatch):
    """No waiting for a machine that is idle: the test's own is not."""
    monkeypatch.setattr(housekeeping, "QUIET_SECONDS", 0.1)
    monkeypatch.setattr(housekeeping, "MOMENTS", 1)


@pytest.mark.slow
def test_presets_are_prepared_and_measured_and_a_run_comes_first(tmp_path, quick, flat, owner, until):
    presets = {"tiny": parse_settings(flat), "wider": parse_settings(flat | {"n_embd": 16})}
    host = Host(tmp_path / "data", shipped_dir=None, cores=2)
    host.housekeeper.presets = presets
    with host:
        assert host.status()["workers"]["ready"] < 3
        run = host.create(flat | {"max_steps": 1_000_000}, owner)
        until(lambda: host.housekeeper.all_prepared)
        until(lambda: host.status()["workers"] == {"ready": 3, "total": 3, "step": "ready"})
        until(lambda: host.summary(run)["step"] > 50)
        assert not host.estimator.measured, "nothing is measured while somebody trains"
        assert host.status()["estimates"]["spark"]["provisional"]
        host.command(run, owner, "delete")
        until(lambda: len(host.estimator.measured) == 2)
        assert 1e8 < host.estimator.roof.one <= 2 * host.estimator.roof.all
        costs = host.estimator.measured["tiny"]
        for part in (costs.one, costs.all, costs.busy):
            assert all(seconds > 0 for seconds in part.as_dict().values())
        until(lambda: all(host.estimator.rounds(name) == housekeeping.ROUNDS for name in presets))
        assert 0.00005 < costs.busy.step < 0.5
    assert not list((tmp_path / "data" / "scratch").iterdir())

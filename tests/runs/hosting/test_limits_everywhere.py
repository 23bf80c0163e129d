"""The limits hold at every door of the host: new runs, tries again, opened files, runs that are resumed."""

import dataclasses

import pytest

from llmviz.model.size import n_parameters
from llmviz.runs.estimates import guess_vocabulary
from llmviz.runs.host import Host
from llmviz.runs.refusal import Refused
from llmviz.text.tokenizers import CharTokenizer


@pytest.fixture
def idle_host(tmp_path):
    """A host whose workers never start: checks need none."""
    host = Host(
        tmp_path / "data", shipped_dir=None, cores=2, chores=False, environ={"LLMVIZ_MAX_STEPS": "500"}
    )
    yield host
    host.close()


def lower(host, **limits):
    host.limits = dataclasses.replace(host.limits, **limits)


def test_what_the_environment_says_holds_and_is_told(idle_host, flat, owner):
    told = idle_host.status()["limits"]
    assert told["steps"] == 500 and "500 steps" in told["sentence"]
    with pytest.raises(Refused, match="501 steps are too many: at most 500"):
        idle_host.create(flat | {"max_steps": 501}, owner)
    assert idle_host.exists(idle_host.create(flat | {"max_steps": 500}, owner))


def test_a_bad_variable_keeps_the_host_from_starting(tmp_path):
    with pytest.raises(ValueError, match="LLMVIZ_MAX_DISK is “much”"):
        Host(tmp_path / "data", shipped_dir=None, environ={"LLMVIZ_MAX_DISK": "much"})
    assert not (tmp_path / "data").exists()


def test_lowered_limits_hold_for_what_exists_already(idle_host, flat, owner):
    run = idle_host.create(flat, owner)
    zipped = idle_host.packing.pack(run)
    lower(idle_host, parameters=100)
    with pytest.raises(Refused, match="at most 100 can be trained"):
        idle_host.command(run, owner, "retry")
    with pytest.raises(Refused, match="at most 100 can be trained"):
        idle_host.packing.open(zipped, owner)
    assert idle_host.beyond(idle_host.library.get(run).run.settings())


@pytest.mark.parametrize(
    ("source", "limit", "says"),
    [(None, "parameters", "can be trained"), ({"name": "somebody/large"}, "imported", "can be looked at")],
)
def test_an_opened_file_is_as_large_as_its_tokenizer_says(idle_host, flat, owner, source, limit, says):
    """Guessed from its settings, a model of letters has a hundred of them."""
    run = idle_host.library.get(idle_host.create(flat, owner)).run
    run.write_json("run.json", run.run() | {"source": source})
    CharTokenizer("".join(map(chr, range(0x100, 0x8000)))).save(run.tokenizer)
    zipped = idle_host.packing.pack(run.id)
    assert idle_host.exists(idle_host.packing.open(zipped, owner))
    lower(idle_host, **{limit: 100_000})
    with pytest.raises(Refused, match=f"261,048 parameters; at most 100,000 {says}"):
        idle_host.packing.open(zipped, owner)


def test_an_opened_model_is_as_large_as_its_table_of_prices_too(idle_host, flat, owner):
    run = idle_host.library.get(idle_host.create(flat | {"positions": "alibi"}, owner)).run
    run.write_json("run.json", run.run() | {"source": {"name": "somebody/large"}})
    zipped = idle_host.packing.pack(run.id)
    model = run.settings().model
    table = model.n_head * model.block_size**2
    parameters = n_parameters(model, guess_vocabulary(run.settings()))
    lower(idle_host, imported=parameters + table)
    assert idle_host.exists(idle_host.packing.open(zipped, owner))
    lower(idle_host, imported=parameters + table - 1)
    with pytest.raises(Refused, match=f"a table of {table:,} numbers for its attention"):
        idle_host.packing.open(zipped, owner)


def test_an_opened_file_whose_tokenizer_nobody_can_read_is_refused(idle_host, flat, owner):
    run = idle_host.library.get(idle_host.create(flat, owner)).run
    run.tokenizer.write_text("{}")
    with pytest.raises(Refused, match="its model is not a JSON object"):
        idle_host.packing.open(idle_host.packing.pack(run.id), owner)


def test_all_that_train_together_have_to_fit(idle_host, flat, owner):
    first = idle_host.create(flat, owner)
    taken = idle_host.lives.memory()
    assert taken > 0
    second = idle_host.create(flat, owner)
    idle_host.command(second, owner, "pause")
    assert idle_host.lives.memory() == taken
    lower(idle_host, together=2 * taken - 1)
    for wish in (
        lambda: idle_host.create(flat, owner),
        lambda: idle_host.command(second, owner, "resume"),
        lambda: idle_host.command(second, owner, "step"),
    ):
        with pytest.raises(Refused, match="wait until one of them has ended"):
            wish()
    idle_host.command(first, owner, "resume")  # it trains already
    idle_host.command(first, owner, "pause")
    idle_host.command(second, owner, "resume")


def test_runs_that_train_at_once_are_counted_when_one_is_resumed(idle_host, flat, owner):
    runs = [idle_host.create(flat, owner) for _ in range(2)]
    idle_host.command(runs[0], owner, "pause")
    lower(idle_host, active=1)
    with pytest.raises(Refused, match="training already"):
        idle_host.command(runs[0], owner, "resume")


def test_the_disk_limit_refuses_in_a_sentence(idle_host, flat, owner):
    run = idle_host.create(flat, owner)
    zipped = idle_host.packing.pack(run)
    lower(idle_host, disk=10)
    for wish in (lambda: idle_host.create(flat, owner), lambda: idle_host.packing.open(zipped, owner)):
        with pytest.raises(Refused, match="all runs together may take") as refused:
            wish()
        assert refused.value.status == 507


def test_an_upload_is_bounded_also_unpacked(idle_host, flat, owner):
    zipped = idle_host.packing.pack(idle_host.create(flat, owner))
    lower(idle_host, upload=100)
    with pytest.raises(Refused, match="too large"):
        idle_host.packing.open(zipped, owner)

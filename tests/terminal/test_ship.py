"""Packing a run as a shipped model: small, whole, and listed by the host. On a tiny run."""

import json
import zipfile

import pytest

from llmviz.runs import Host, RunDirectory, RunError, read_records
from llmviz.runs.ship import SNAPSHOTS, Recipe, beginning, film, opening, pack


def words(text: str) -> list[str]:
    return text.split("\n")


@pytest.fixture(scope="module")
def recipe(tiny_run):
    settings = RunDirectory(tiny_run).settings()
    return Recipe("tiny", "Tiny", settings, sentences=words, is_right=str.isalpha, judged_by=3)


@pytest.fixture(scope="module")
def packed(tiny_run, recipe, tmp_path_factory):
    return pack(RunDirectory(tiny_run), recipe, tmp_path_factory.mktemp("models") / "tiny")


def test_it_is_a_whole_run_without_what_only_training_needs(packed, tiny_run):
    names = {path.name for path in packed.path.rglob("*") if path.is_file()}
    assert names >= {"run.json", "state.json", "meta.json", "metrics.jsonl", "events.jsonl", "tokenizer.json"}
    assert names >= {"opening.json", "recipe.json", "words.txt"}
    assert not names & {"train.npy", "val.npy", "text.txt", "lock"}
    assert packed.checkpoints() == []
    assert packed.state() == RunDirectory(tiny_run).state()


def test_snapshots_are_few_small_and_begin_and_end_where_training_did(packed, tiny_run):
    steps = packed.snapshots()
    assert len(steps) <= SNAPSHOTS
    assert {0, 4, 16, 24} <= set(steps)
    sizes = {step: packed.snapshot(step).stat().st_size for step in steps}
    assert sizes[0] < 0.7 * sizes[24]
    assert packed.snapshot(24).stat().st_size == RunDirectory(tiny_run).snapshot(24).stat().st_size


def test_the_opening_is_what_the_model_computes(packed):
    assert packed.read_json("opening.json") == opening(packed)


def test_the_film_is_what_the_shipped_snapshots_write(packed):
    rows = [record for _, record in read_records(packed.events)]
    assert rows == film(packed)
    assert [(row["kind"], row["step"]) for row in rows] == [
        ("sample", 0),
        ("sample", 4),
        ("sample", 16),
        ("now", 24),
    ]


def test_its_metrics_are_those_of_the_run(packed, tiny_run):
    from llmviz.runs import metrics_frame

    assert metrics_frame(packed).equals(metrics_frame(RunDirectory(tiny_run)))


def test_the_recipe_says_how_and_how_well(packed, recipe):
    described = packed.read_json("recipe.json")
    assert described["settings"] == recipe.settings.flat()
    assert described["measured"]["val_loss"] == packed.state()["val_loss"]
    assert 0 <= described["measured"]["right_sentences"] <= 1


def test_the_host_lists_it_as_shipped_and_the_terminal_finds_it(packed, tmp_path, command, monkeypatch):
    host = Host(tmp_path / "data", shipped_dir=packed.path.parent)
    try:
        (listed,) = host.list_runs("")
        assert (listed["id"], listed["shipped"], listed["name"]) == ("tiny", True, "Tiny")
        assert listed["snapshots"] == packed.snapshots()
        assert host.opening("tiny") == packed.read_json("opening.json")
        assert host.words("tiny")
    finally:
        host.close()
    monkeypatch.setattr("llmviz.terminal.models.SHIPPED", packed.path.parent)
    assert json.loads(command("sample", "tiny@16", "--json").out)["step"] == 16
    assert "shipped with LLMViz: tiny" in command("sample", "nothing").err


def test_an_unfinished_run_is_not_shipped(tmp_path, recipe):
    from llmviz.runs import create_run_at

    run = create_run_at(tmp_path / "run", recipe.settings, name="Unfinished")
    with pytest.raises(RunError, match="not finished"):
        pack(run, recipe, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_ship_trains_and_packs(command, recipe, tmp_path, monkeypatch):
    monkeypatch.setattr("llmviz.terminal.ship.RECIPES", {"story-gpt": recipe})
    out = tmp_path / "model"
    assert command("ship", "story-gpt", "--out", out).status == 0
    assert RunDirectory(out).read_json("recipe.json")["measured"]
    assert not out.with_name("model.training").exists()


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a short one", "a short one"), ("one two three", "one two"), ("abcdefghijklm", "abcdefghij"), ("", "")],
)
def test_a_beginning_ends_between_words(text, expected):
    assert beginning(text, 11 if " " in text else 10) == expected


def test_a_run_of_the_terminal_opens_in_the_page(tiny_run, tmp_path):
    with zipfile.ZipFile(tmp_path / "run.zip", "w") as archive:
        for path in tiny_run.rglob("*"):
            archive.write(path, path.relative_to(tiny_run.parent))
    host = Host(tmp_path / "data", shipped_dir=tmp_path / "none")
    try:
        run = host.packing.open((tmp_path / "run.zip").read_bytes(), "the owner's token")
        summary = host.summary(run, "the owner's token")
        assert (summary["mine"], summary["status"], summary["step"]) == (True, "finished", 24)
        assert summary["snapshots"] == RunDirectory(tiny_run).snapshots()
        assert summary["data"]["vocab_size"] > 2
    finally:
        host.close()

"""Runs as .zip files: there and back again, and every hostile archive refused in a sentence."""

import io
import json
import stat
import zipfile

import pytest

from llmviz.runs.archive import unzip_run, zip_run
from llmviz.runs.changes import deadline_of, read_changes
from llmviz.runs.directory import create_run
from llmviz.runs.records import read_records
from llmviz.runs.refusal import Refused
from llmviz.settings import parse_settings

SHA = "a" * 64


@pytest.fixture
def run(tmp_path):
    """A run directory as training leaves it, but for the weights, which are nobody's business here."""
    made = create_run(
        tmp_path / "runs", parse_settings({"corpus": "dinosaurs"}), name="Amber Otter", owner_hash="h" * 64
    )
    made.write_state(status="finished", step=30, val_loss=1.5, reason=None)
    made.metrics.write_text(
        '{"step": 0, "first": 0, "loss": 3.1}\n{"eval": 0, "val_loss": 3.2, "full": false}\n'
    )
    made.events.write_text('{"kind": "sample", "step": 0, "prompt": "", "text": "<b>x</b>"}\n')
    made.snapshot(0).write_bytes(b"weights")
    made.checkpoint(30).write_bytes(b"checkpoint")
    (made.path / "lock").touch()
    made.live.write_bytes(b"live")
    (tmp_path / "data" / SHA).mkdir(parents=True)
    (tmp_path / "data" / SHA / "meta.json").write_text("{}")
    return made


@pytest.fixture
def packed(run, tmp_path):
    return zip_run(run, tmp_path / "data" / SHA, tmp_path / "zips" / "run.zip")


def names(path):
    with zipfile.ZipFile(path) as archive:
        return set(archive.namelist())


def content_of(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rezip(content, prefix=""):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in content.items():
            archive.writestr(prefix + name, data)
    buffer.seek(0)
    return buffer


def test_there_and_back(run, packed, tmp_path):
    assert "lock" not in names(packed) and "live.safetensors" not in names(packed)
    assert f"data/{SHA}/meta.json" in names(packed)
    with open(packed, "rb") as file:
        opened = unzip_run(file, tmp_path / "opened")
    assert opened.settings() == run.settings()
    assert opened.state()["status"] == "finished" and opened.state()["val_loss"] == 1.5
    assert opened.meta()["name"] == "Amber Otter"
    assert opened.metrics.read_text() == run.metrics.read_text()
    assert [record for _, record in read_records(opened.events)] == [
        record for _, record in read_records(run.events)
    ]
    assert opened.snapshots() == [0] and opened.checkpoints() == [30]


def test_the_owner_stays_behind(packed):
    assert b"h" * 64 not in b"".join(content_of(packed).values())


def test_a_folder_zipped_by_hand_opens_too(packed, tmp_path):
    content = {f"my run/{name}": data for name, data in content_of(packed).items()}
    unzip_run(rezip(content), tmp_path / "opened")
    content |= {"__MACOSX/my run/._run.json": b"?", "my run/.DS_Store": b"?", "my run/lock": b""}
    unzip_run(rezip(content), tmp_path / "by a Mac")


def test_a_shipped_model_zipped_by_hand_opens_without_what_nobody_can_check(packed, tmp_path):
    content = content_of(packed) | {"opening.json": b'{"text": "made up"}', "recipe.json": b"{}"}
    opened = unzip_run(rezip(content), tmp_path / "opened")
    assert not opened.read_json("opening.json")


def test_a_training_run_comes_back_paused(run, packed, tmp_path):
    content = content_of(packed)
    content["state.json"] = json.dumps({"status": "running", "step": 7}).encode()
    assert unzip_run(rezip(content), tmp_path / "opened").state()["status"] == "paused"


@pytest.mark.parametrize(
    "name",
    [
        "../evil.json",
        "/etc/passwd",
        "snapshots/../../evil.safetensors",
        "snapshots/step-1.pkl",
        "evil.py",
        "C:\\windows\\evil.json",
        "data/../../x/text.txt",
        "run.json\0.txt",
        "snapshots/step-000001.safetensors/..",
        "sub/run.json",
    ],
)
def test_unexpected_names_are_refused_and_nothing_is_written(packed, tmp_path, name):
    content = content_of(packed) | {name: b"x"}
    before = set(tmp_path.rglob("*"))
    with pytest.raises(Refused) as refused:
        unzip_run(rezip(content), tmp_path / "opened")
    assert refused.value.sentences[0].endswith(".")
    assert set(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("folder", ["", "story-gpt/"])
@pytest.mark.parametrize("weights", ["model.safetensors", "model-00001-of-00002.safetensors"])
def test_a_model_for_transformers_is_told_from_rubbish(tmp_path, folder, weights):
    files = ("tokenizer.json", "tokenizer_config.json", "README.md", weights, "config.json")
    with pytest.raises(Refused, match="python -m llmviz import"):
        unzip_run(rezip({folder + name: b"{}" for name in files}), tmp_path / "opened")
    with pytest.raises(Refused, match="which no run has"):
        unzip_run(rezip({folder + name: b"{}" for name in files[1:]}), tmp_path / "opened")


def test_a_link_is_refused(packed, tmp_path):
    buffer = rezip(content_of(packed))
    with zipfile.ZipFile(buffer, "a") as archive:
        link = zipfile.ZipInfo("tokenizer.json")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    buffer.seek(0)
    with pytest.raises(Refused, match="link"):
        unzip_run(buffer, tmp_path / "opened")


def test_a_bomb_is_refused(packed, tmp_path):
    content = content_of(packed) | {"snapshots/step-000001.safetensors": b"\0" * 200_000}
    with pytest.raises(Refused, match="too large"):
        unzip_run(rezip(content), tmp_path / "opened", most=100_000)


def test_a_bomb_that_lies_about_its_size_is_refused(packed, tmp_path, monkeypatch):
    """The size in the directory of the .zip is forged; what counts is what comes out."""
    content = content_of(packed) | {"snapshots/step-000001.safetensors": b"\0" * 200_000}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    forged = buffer.getvalue().replace((200_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    with pytest.raises(Refused):
        unzip_run(io.BytesIO(forged), tmp_path / "opened")


@pytest.mark.parametrize(
    "described",
    [
        b"[]",
        b"{",
        b"[" * 100_000,
        b'{"format": 1}',
        b'{"format": 1, "data": {"sha256": "../../etc"}, "settings": {}}',
        json.dumps(
            {"format": 1, "data": {"sha256": SHA}, "settings": {"model": {"n_layer": 10**9}}}
        ).encode(),
        json.dumps({"format": 9, "data": {"sha256": SHA}, "settings": {}}).encode(),
    ],
)
def test_a_run_json_that_is_none_is_refused(packed, tmp_path, described):
    with pytest.raises(Refused):
        unzip_run(rezip(content_of(packed) | {"run.json": described}), tmp_path / "opened")


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ({"bos_token_id": 1, "eos_token_id": 2}, {"bos_token_id": 1, "eos_token_id": 2}),
        ({"eos_token_id": [2, "3", True, -1, 10**9, 4]}, {"eos_token_id": [2, 4]}),
        ({"bos_token_id": "<s>", "eos_token_id": {"id": 2}, "html": "<b>"}, {}),
        ({"eos_token_id": list(range(500))}, {"eos_token_id": list(range(20))}),
    ],
    ids=str,
)
def test_where_a_model_came_from_is_taken_over_as_far_as_it_makes_sense(packed, tmp_path, said, kept):
    content = content_of(packed)
    described = json.loads(content["run.json"]) | {"source": {"name": "a/b", "revision": None} | said}
    opened = unzip_run(rezip(content | {"run.json": json.dumps(described)}), tmp_path / "opened")
    assert opened.run()["source"] == {"name": "a/b", "revision": None} | kept


def test_records_and_state_of_the_wrong_kind_are_left_out(packed, tmp_path):
    content = content_of(packed)
    content["metrics.jsonl"] = (
        b'{"step": 0, "loss": 1.0}\n{"step": "<script>", "loss": 1}\n{"step": 1, "loss": {"a": 1}}\n'
        b'nonsense\n{"loss": 2}\n{"rewind": 1}\n[1]\n{"step": true, "loss": 1}\n'
        b'{"step": 2, "loss": 1' + 400 * b"0" + b"}\n"
    )
    content["changes.jsonl"] = (
        b'{"step": 3, "dropout": 0.1}\n{"step": 4, "deadline": 5}\n{"step": 5, "prompt": 1}\n'
        b'{"step": 6, "prompt": "Once"}\n{"rewind": 1}\n{"dropout": 0.2}\n'
    )
    content["events.jsonl"] = (
        b'{"kind": "sample", "step": 0, "text": {"evil": 1}}\n{"kind": "explode", "step": 1}\n'
    )
    content["state.json"] = b'{"status": ["x"], "step": "7", "loss": 1e999, "val_loss": 2, "html": "<b>"}'
    opened = unzip_run(rezip(content), tmp_path / "opened")
    assert [record for _, record in read_records(opened.metrics)] == [{"step": 0, "loss": 1.0}, {"rewind": 1}]
    assert read_records(opened.events) == []
    assert read_changes(opened) == [{"step": 3, "dropout": 0.1}, {"step": 6, "prompt": "Once"}]
    assert deadline_of(opened) is None
    assert opened.state() == {
        "status": "paused",
        "step": 0,
        "max_steps": 600,
        "val_loss": 2.0,
        "reason": None,
    }


def test_what_is_no_zip_is_refused(tmp_path):
    for data in (b"", b"PK\x03\x04", b"no zip at all" * 100, b"PK\x05\x06" + b"\0" * 18):
        with pytest.raises(Refused):
            unzip_run(io.BytesIO(data), tmp_path / "opened")


def test_an_encrypted_zip_is_refused(packed, tmp_path):
    raw = bytearray(packed.read_bytes())
    for signature, offset in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        at = -1
        while (at := raw.find(signature, at + 1)) >= 0:
            raw[at + offset] |= 1
    with pytest.raises(Refused):
        unzip_run(io.BytesIO(bytes(raw)), tmp_path / "opened")


def test_a_member_without_a_name_is_refused(packed, tmp_path):
    buffer = rezip(content_of(packed))
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr(zipfile.ZipInfo(""), b"x")
    with pytest.raises(Refused, match="which no run has"):
        unzip_run(buffer, tmp_path / "opened")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_an_unusual_way_of_packing_is_refused(packed, tmp_path, method):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        archive.writestr("run.json", content_of(packed)["run.json"])
    with pytest.raises(Refused, match="unusual way"):
        unzip_run(buffer, tmp_path / "opened")


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_zip_that_is_damaged_anywhere_is_refused_or_still_a_run(packed, tmp_path, method):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in content_of(packed).items():
            archive.writestr(name, content)
    whole = buffer.getvalue()
    refused = 0
    for at in range(0, len(whole), max(1, len(whole) // 300)):
        raw = bytearray(whole)
        raw[at] ^= 0xFF
        try:
            unzip_run(io.BytesIO(bytes(raw)), tmp_path / f"opened-{at}")
        except Refused:
            refused += 1
    assert refused > 100


@pytest.mark.parametrize("in_memory", [True, False])
def test_a_zip_that_lacks_its_beginning_is_refused(packed, tmp_path, in_memory):
    """Its directory then points to before the first byte."""
    cut = packed.read_bytes()[:40] + packed.read_bytes()[400:]
    (tmp_path / "cut.zip").write_bytes(cut)
    with pytest.raises(Refused), (tmp_path / "cut.zip").open("rb") as file:
        unzip_run(io.BytesIO(cut) if in_memory else file, tmp_path / "opened")

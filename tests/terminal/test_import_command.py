"""A folder that `transformers` wrote becomes a run that every command opens."""

import io
import json
import shutil
from pathlib import Path

import pytest
import torch

import llmviz.model
from llmviz.model.hub import ForeignModelError
from llmviz.runs.archive import unzip_run, zip_run
from llmviz.runs.directory import RunDirectory
from llmviz.runs.imported import import_from_hub
from llmviz.runs.library import Library
from llmviz.runs.opened import OpenedModels
from tests.model.hub.foreign import save_model, their_logits, train_gpt2_tokenizer
from tests.model.hub.local_hub import REVISION, LocalHub
from tests.text.peers import peer

transformers = pytest.importorskip("transformers")


@pytest.fixture(scope="module")
def theirs(tmp_path_factory) -> Path:
    """A small GPT-2."""
    folder = tmp_path_factory.mktemp("hub")
    train_gpt2_tokenizer("Once upon a time there was a fox. " * 5).save(str(folder / "tokenizer.json"))
    config = transformers.GPT2Config(n_positions=64, n_embd=32, n_layer=2, n_head=4)
    return save_model(folder / "small-gpt2", config, folder / "tokenizer.json", padding=5)


@pytest.fixture
def imported(command, theirs, tmp_path) -> Path:
    out = tmp_path / "runs" / "fox"
    result = command("import", theirs, "--out", out)
    assert (result.status, result.err) == (0, "")
    return out


def test_its_logits_are_those_of_transformers(imported, theirs):
    opened = OpenedModels().get(imported)
    ids = torch.tensor([opened.tokenizer.encode("Once upon a time")])
    with torch.no_grad():
        difference = opened.model(ids) - their_logits(theirs, ids)[..., : opened.tokenizer.vocab_size]
    assert difference.abs().max() <= 1e-4


def check_maps(command, imported: Path, theirs: Path, prompt: str) -> None:
    """What `probe` says of an imported model is what transformers says of the original."""
    said = json.loads(command("probe", "attention", imported, "--prompt", prompt, "--json").out)
    original = transformers.AutoModelForCausalLM.from_pretrained(
        theirs, dtype=torch.float32, attn_implementation="eager"
    ).eval()
    with torch.no_grad():
        expected = original(torch.tensor([said["ids"]]), output_attentions=True).attentions
    found = torch.tensor(said["attention"])
    assert found.max() > 0.2  # or nothing is compared
    torch.testing.assert_close(found, torch.cat(expected), atol=1e-5, rtol=1e-4)


def test_its_maps_are_those_of_transformers(command, imported, theirs):
    check_maps(command, imported, theirs, "Once upon a time there was")


def test_every_command_opens_it(command, imported, tmp_path):
    (tmp_path / "text.txt").write_text("Once upon a time there was a fox.")
    for arguments in (
        ["sample", imported, "--prompt", "Once", "--max-new-tokens", 3],
        ["probe", "attention", imported, "--prompt", "Once upon"],
        ["evaluate", imported, "--data", tmp_path / "text.txt"],
    ):
        result = command(*arguments, "--json")
        assert (result.status, result.err) == (0, ""), arguments
        json.loads(result.out)


def test_without_its_text_evaluate_says_so(command, imported):
    result = command("evaluate", imported)
    assert result.status == 2
    assert "not on this machine" in result.err


def test_the_page_lists_it_with_its_source_and_its_sample(imported, tmp_path):
    (entry,) = Library(imported.parent, None, tmp_path / "data").all()
    summary = entry.summary(None)
    assert summary["source"] == {"name": "small-gpt2", "revision": None}
    assert (summary["status"], summary["step"], summary["snapshots"]) == ("finished", 0, [0])
    assert summary["data"] == {"vocab_size": OpenedModels().tokenizer(imported).vocab_size, "unit": "tokens"}
    (event,) = [json.loads(line) for line in (imported / "events.jsonl").read_text().splitlines()]
    assert event["kind"] == "now" and event["text"]


def test_it_survives_being_downloaded_and_opened_again(imported, tmp_path):
    run = RunDirectory(imported)
    packed = zip_run(run, run.dataset(), tmp_path / "run.zip").read_bytes()
    again = unzip_run(io.BytesIO(packed), tmp_path / "again")
    assert again.run()["source"] == run.run()["source"]
    assert torch.equal(
        OpenedModels().get(again.path).model.wte.weight, OpenedModels().get(imported).model.wte.weight
    )


def test_from_the_hub(command, theirs, tmp_path, monkeypatch):
    with LocalHub({"somebody/fox": theirs}) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        result = command("import", "somebody/fox", "--out", tmp_path / "fox")
        assert (result.status, result.err) == (0, "")
        run = RunDirectory(tmp_path / "fox")
        assert run.run()["source"] == {"name": "somebody/fox", "revision": REVISION}
        assert run.meta()["name"] == "fox"
        assert [path.name for path in tmp_path.iterdir()] == ["fox"]
        unknown = command("import", "somebody/bear", "--out", tmp_path / "bear")
        assert unknown.status == 2
        assert unknown.err == "There is no public model called somebody/bear on the Hub.\n"
    offline = command("import", "somebody/fox", "--out", tmp_path / "again")
    assert offline.status == 2 and "may be offline" in offline.err


def test_its_size_is_judged_by_its_description(theirs, tmp_path, monkeypatch):
    with LocalHub({"somebody/fox": theirs}) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        with pytest.raises(ForeignModelError, match="at most 1,000 can be opened"):
            import_from_hub("somebody/fox", tmp_path / "fox", most_bytes=10**9, most_parameters=1000)
        assert hub.fetched() == ["config.json", "tokenizer.json"]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("kind", "cut", "how"),
    [
        ("Llama", "llama3", {"ignore_merges": True, "begin": True}),
        ("Llama", "smollm", {}),
        ("Qwen3", "qwen", {"nfc": True}),
    ],
)
def test_a_llama_or_qwen_comes_with_its_tokenizer(command, tmp_path, kind, cut, how):
    peer(cut, **how).save(str(tmp_path / "tokenizer.json"))
    shape = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    shape |= {"num_key_value_heads": 2, "head_dim": 8, "max_position_embeddings": 64}
    marks = {"bos_token_id": 0, "eos_token_id": [1, 7]}  # <|begin|>; <|end|> and another
    config = getattr(transformers, f"{kind}Config")(**shape, **marks, pad_token_id=None)
    folder = save_model(tmp_path / "theirs", config, tmp_path / "tokenizer.json", padding=6)
    assert command("import", folder, "--out", tmp_path / "run").status == 0
    opened = OpenedModels().get(tmp_path / "run")
    text = "It's 2024, cafe\u0301!\n\nfoo"
    ids = opened.tokenizer.encode(text)
    assert ids == transformers.AutoTokenizer.from_pretrained(folder)(text)["input_ids"]
    with torch.no_grad():
        ours = opened.model(torch.tensor([ids]))
    theirs = their_logits(folder, torch.tensor([ids]))[..., : opened.tokenizer.vocab_size]
    assert (ours - theirs).abs().max() <= 1e-4
    check_maps(command, tmp_path / "run", folder, text)
    for arguments in (["sample", "--prompt", "It"], ["probe", "attention", "--prompt", "It's"]):
        *name, flag, prompt = arguments
        assert command(*name, tmp_path / "run", flag, prompt, "--json").status == 0
    assert command("export", tmp_path / "run", "--out", tmp_path / "back").status == 0
    back = transformers.AutoTokenizer.from_pretrained(tmp_path / "back")
    assert back(text)["input_ids"] == ids
    assert (back.bos_token, back.eos_token) == ("<|begin|>", "<|end|>")
    for name in ("config.json", "generation_config.json"):
        assert marks.items() <= json.loads((tmp_path / "back" / name).read_text()).items()


def test_what_a_config_claims_takes_no_memory_before_the_weights_agree(
    command, theirs, tmp_path, monkeypatch
):
    folder = Path(shutil.copytree(theirs, tmp_path / "boasting"))
    claims = json.loads((folder / "config.json").read_text()) | {"n_embd": 4096, "n_head": 32}
    (folder / "config.json").write_text(json.dumps(claims))
    built, build_gpt = [], llmviz.model.build_gpt

    def noted(*arguments, **more):
        built.append(build_gpt(*arguments, **more))
        return built[-1]

    monkeypatch.setattr(llmviz.model, "build_gpt", noted)
    result = command("import", folder, "--out", tmp_path / "run")
    assert result.status == 2 and "do not fit the model" in result.err
    assert [next(model.parameters()).device.type for model in built] == ["meta"]


def test_16_bit_weights_stay_16_bits(command, theirs, tmp_path):
    model = transformers.AutoModelForCausalLM.from_pretrained(theirs).to(torch.bfloat16)
    model.save_pretrained(tmp_path / "half")
    (tmp_path / "half" / "tokenizer.json").write_bytes((theirs / "tokenizer.json").read_bytes())
    for source, out in ((theirs, "a"), (tmp_path / "half", "b")):
        assert command("import", source, "--out", tmp_path / out, "--json").status == 0
    sizes = [RunDirectory(tmp_path / out).snapshot(0).stat().st_size for out in ("a", "b")]
    assert sizes[1] < 0.6 * sizes[0]


def test_what_cannot_be_imported_leaves_nothing_behind(command, theirs, tmp_path):
    broken = tmp_path / "broken"
    broken.mkdir()
    for name in ("config.json", "model.safetensors"):
        (broken / name).write_bytes((theirs / name).read_bytes())
    for folder, said in (
        (broken, "tokenizer.json"),
        (tmp_path / "nowhere", "no folder"),
        (theirs.parent, "config.json"),
    ):
        result = command("import", folder, "--out", tmp_path / "out")
        assert result.status == 2 and said in result.err
        assert len(result.err.splitlines()) == 1
        assert not (tmp_path / "out").exists()
    for name in ("../etc/passwd", "gpt2", "https://huggingface.co/a/b"):
        assert "owner and its name" in command("import", name, "--out", tmp_path / "out").err
    (tmp_path / "taken").mkdir()
    assert "exists already" in command("import", theirs, "--out", tmp_path / "taken").err

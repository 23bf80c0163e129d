"""What is exported opens in `transformers`: the same logits, the same ids, the same text, and a card."""

import json
import re

import pytest
import torch

from llmviz.runs.directory import RunDirectory
from llmviz.runs.opened import OpenedModels
from llmviz.terminal.models import SHIPPED
from tests.model.hub.foreign import their_logits

transformers = pytest.importorskip("transformers")

TEXTS = ["tritops", "rexodon\n", " the  quick\tfox, isn't it? 123", "Ça 😊"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """trained(architecture, tokenizer) → a finished run of a few steps."""
    from llmviz.terminal.main import main
    from tests.terminal.conftest import TINY

    def train(architecture: str, tokenizer: str):
        folder = tmp_path_factory.mktemp("exports") / "run"
        flags = TINY | {"--architecture": architecture, "--tokenizer": tokenizer, "--vocab-size": "270"}
        flags |= {"--max-steps": "6", "--n-layer": "2", "--out": str(folder)}
        assert main(["train", *(word for flag in flags.items() for word in flag)]) == 0
        return folder

    return train


@pytest.mark.parametrize(
    ("architecture", "tokenizer", "model_class"),
    [
        ("gpt2", "chars", "GPT2LMHeadModel"),
        ("gpt2", "bytes", "GPT2LMHeadModel"),
        ("modern", "chars", "NanoChatForCausalLM"),
        ("modern", "bpe", "NanoChatForCausalLM"),
        ("llama", "chars", "LlamaForCausalLM"),
    ],
)
def test_transformers_computes_the_same(command, trained, tmp_path, architecture, tokenizer, model_class):
    run = trained(architecture, tokenizer)
    result = command("export", run, "--format", "hf", "--out", tmp_path / "theirs", "--json")
    assert (result.status, result.err) == (0, "")
    opened = OpenedModels().get(run)
    ids = torch.randint(opened.tokenizer.vocab_size, (3, opened.model.config.block_size))
    with torch.no_grad():
        ours = opened.model(ids)
    assert ours.std() > 0.01  # not all the same
    assert (ours - their_logits(tmp_path / "theirs", ids)).abs().max() <= 1e-4
    model = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "theirs")
    assert type(model).__name__ == model_class
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path / "theirs")
    for text in TEXTS[: 1 if tokenizer == "chars" else None]:
        expected = opened.tokenizer.encode(text)
        assert theirs(text)["input_ids"] == expected
        assert theirs.decode(expected) == text
    prompt = torch.tensor([opened.tokenizer.encode("tri")])
    written = model.generate(prompt, max_new_tokens=8, do_sample=False, pad_token_id=0)[0].tolist()
    greedy = command("sample", run, "--prompt", "tri", "--temperature", 0, "--max-new-tokens", 8, "--json")
    assert written[prompt.shape[1] :] == json.loads(greedy.out)["ids"]


def test_it_says_what_it_is_and_nothing_of_its_makers_text(command, tiny, tmp_path):
    (tmp_path / "secret.txt").write_text("my diary says hello\n" * 60)
    run = tmp_path / "run"
    flags = [word for word in tiny if word not in ("--data", "dinosaurs")]
    train = ["train", *flags, "--max-steps", 3, "--data", tmp_path / "secret.txt", "--prompt", "diary"]
    assert command(*train, "--out", run).status == 0
    assert command("export", run, "--out", tmp_path / "theirs").status == 0
    card = (tmp_path / "theirs" / "README.md").read_text()
    state = RunDirectory(run).state()
    for words in (
        f"{state['val_loss']:.4f} nats",
        "`learning_rate`",
        "from_pretrained",
        "version 5 of transformers",
        "a text of its maker's",
    ):
        assert words in card
    assert "diary" not in card
    assert card.startswith("---\nlibrary_name: transformers")


@pytest.mark.parametrize("architecture", ["gpt2", "modern"])
def test_the_lines_on_the_card_work_as_they_stand(command, trained, tmp_path, capsys, architecture):
    """Also where the model sees less than the answer's usual length: GPT-2 has no position beyond that."""
    assert command("export", trained(architecture, "chars"), "--out", tmp_path / "theirs").status == 0
    card = (tmp_path / "theirs" / "README.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", card, re.DOTALL)
    exec(code.replace("FOLDER", str(tmp_path / "theirs")).replace("PROMPT", "tri"), {})
    written = capsys.readouterr().out
    assert written.startswith("tri") and len(written.strip("\n")) <= 16


def test_the_recipe_says_what_parts_came_to(command, tiny, tmp_path):
    parts = ["--architecture", "gpt2", "--positions", "rope", "--norm", "rmsnorm", "--activation", "swiglu"]
    run = tmp_path / "run"
    command("train", *tiny, *parts, "--bias", "off", "--max-steps", 2, "--out", run)
    assert command("export", run, "--out", tmp_path / "theirs").status == 0
    card = (tmp_path / "theirs" / "README.md").read_text()
    assert "(architecture gpt2 with parts changed: 1 layer, 2 heads, 16 wide)" in card
    rows = dict(re.findall(r"\| `(\w+)` \| (.*) \|", card))
    assert (rows["positions"], rows["rope_base"], rows["norm_place"]) == ("rope", "10000", "pre")
    assert (rows["mlp_width"], rows["n_kv_head"], rows["tied"], rows["bias"]) == ("48", "2", "on", "off")
    assert "auto" not in rows.values() and not {"rope_factor", "rope_scaling"} & rows.keys()


def test_an_earlier_step_is_exported_as_it_was(command, tiny_run, tmp_path):
    assert command("export", f"{tiny_run}@4", "--out", tmp_path / "theirs").status == 0
    ids = torch.arange(10)[None]
    with torch.no_grad():
        ours = OpenedModels().get(tiny_run, 4).model(ids)
    assert (ours - their_logits(tmp_path / "theirs", ids)).abs().max() <= 1e-4
    assert "(an estimate at step 0)" in (tmp_path / "theirs" / "README.md").read_text()


def test_the_shipped_model_opens_in_transformers(command, tmp_path):
    assert command("export", "story-gpt", "--out", tmp_path / "theirs").status == 0
    opened = OpenedModels().get(SHIPPED / "story-gpt")
    ids = torch.tensor([opened.tokenizer.encode("Once there was a girl who lost her ring in the garden.")])
    with torch.no_grad():
        assert (opened.model(ids) - their_logits(tmp_path / "theirs", ids)).abs().max() <= 1e-4


@pytest.mark.parametrize("architecture", ["gpt2", "modern", "llama"])
def test_what_went_comes_back(command, trained, tmp_path, architecture):
    run = trained(architecture, "bpe")
    assert command("export", run, "--out", tmp_path / "theirs").status == 0
    assert command("import", tmp_path / "theirs", "--out", tmp_path / "back").status == 0
    models = [OpenedModels().get(folder).model for folder in (run, tmp_path / "back")]
    assert type(models[0]) is type(models[1])
    for name, weight in models[0].state_dict().items():
        assert torch.equal(weight, models[1].state_dict()[name])


def test_mistakes(command, tiny_run, tmp_path):
    taken = command("export", tiny_run, "--out", tmp_path)
    assert taken.status == 2 and "exists already" in taken.err
    assert command("export", "nobody", "--out", tmp_path / "x").status == 2
    assert re.search("invalid choice", command("export", tiny_run, "--format", "gguf", "--out", "x").err)


def test_what_transformers_has_no_class_for_is_refused_with_the_nearest(command, tiny, tmp_path):
    run = tmp_path / "run"
    assert command("train", *tiny, "--max-steps", 2, "--smear", "true", "--out", run).status == 0
    result = command("export", run, "--out", tmp_path / "theirs")
    assert result.status == 2 and "nearest" in result.err and len(result.err.splitlines()) == 1
    assert not (tmp_path / "theirs").exists()

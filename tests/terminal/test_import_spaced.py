"""A Llama whose tokenizer writes spaces as ▁: what each command makes of it, and what transformers does."""

import json

import pytest
import torch

from llmviz.runs.opened import OpenedModels
from tests.model.hub.foreign import save_model, their_logits
from tests.text.spaced_peers import LAYOUTS, spaced_peer

transformers = pytest.importorskip("transformers")

TEXT = "Once upon a time\n é"


def written_by_transformers(path):
    """As its own class for Llama 2's tokenizer is saved."""
    model = json.loads(spaced_peer().to_str())["model"]
    merges = [tuple(merge) for merge in model["merges"]]
    made = transformers.LlamaTokenizer(vocab=model["vocab"], merges=merges, add_bos_token=True)
    made.save_pretrained(path.parent)


def of_llama_2(path):
    """As the files of 2023 are: a normalizer puts the space in front."""
    spaced_peer(LAYOUTS[0]).save(str(path))


@pytest.fixture(params=[written_by_transformers, of_llama_2])
def theirs(request, tmp_path):
    (tmp_path / "made").mkdir()
    request.param(tmp_path / "made" / "tokenizer.json")
    shape = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    config = transformers.LlamaConfig(**shape, max_position_embeddings=32, bos_token_id=1, eos_token_id=2)
    return save_model(tmp_path / "theirs", config, tmp_path / "made" / "tokenizer.json", padding=3)


def test_it_works_in_every_command(command, theirs, tmp_path):
    def json_of(*arguments):
        result = command(*arguments, "--json")
        assert (result.status, result.err) == (0, ""), arguments
        return json.loads(result.out)

    run, back = tmp_path / "run", tmp_path / "back"
    assert json_of("import", theirs, "--out", run)
    tokenizer = OpenedModels().tokenizer(run)
    ids = transformers.AutoTokenizer.from_pretrained(theirs)(TEXT)["input_ids"]
    assert json_of("tokenize", TEXT, "--tokenizer", run / "tokenizer.json")["ids"] == ids

    seen = json_of("probe", "attention", run, "--prompt", "Once upon")
    assert seen["tokens"] == ["<s>", " Once", " upon"]

    written = json_of("sample", run, "--prompt", "Once upon", "--max-new-tokens", "12")
    assert written["prompt_ids"] == ids[:3]
    new = b"".join(tokenizer.tokens(written["ids"])).decode(errors="replace")
    assert written["completion"] == new and written["text"] == "Once upon" + new
    assert json_of("sample", run, "--max-new-tokens", "1")["prompt_ids"] == [1]  # as every text begins

    (tmp_path / "text.txt").write_text(TEXT, "utf-8")
    measured = json_of("evaluate", run, "--data", tmp_path / "text.txt")
    model = OpenedModels().get(run).model
    with torch.no_grad():
        log_p = their_logits(theirs, torch.tensor([ids]))[0, :, : tokenizer.vocab_size].log_softmax(-1)
    expected = -log_p[range(len(ids) - 1), ids[1:]].mean().item()
    assert measured["loss"] == pytest.approx(expected, abs=1e-4)
    assert measured["n_tokens"] == len(ids) - 1  # all but <s>

    assert json_of("export", run, "--out", back)
    assert transformers.AutoTokenizer.from_pretrained(back)(TEXT)["input_ids"] == ids
    with torch.no_grad():
        ours = model(torch.tensor([ids]))
    assert (ours - their_logits(back, torch.tensor([ids]))).abs().max() <= 1e-4
    assert (ours - their_logits(theirs, torch.tensor([ids]))[..., : tokenizer.vocab_size]).abs().max() <= 1e-4

"""Each command does what it says, on a tiny model."""

import json
import math

import pytest


def lines(result) -> list[dict]:
    return [json.loads(line) for line in result.out.splitlines()]


def only(result) -> dict:
    (line,) = lines(result)
    return line


# ---- sample ----


def test_sample_writes_the_prompt_and_so_many_tokens(command, tiny_run):
    result = command("sample", tiny_run, "--prompt", "tri", "--max-new-tokens", 20)
    assert result.status == 0
    assert result.out.startswith("tri")
    assert len(result.out.removesuffix("\n")) == 3 + 20
    assert result.err == ""


def test_the_same_seed_writes_the_same_and_another_another(command, tiny_run):
    texts = [command("sample", tiny_run, "--max-new-tokens", 40, "--seed", seed).out for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]


def test_sample_json_says_everything(command, tiny_run):
    found = only(command("sample", tiny_run, "--prompt", "tri", "--max-new-tokens", 5, "--json"))
    assert found["text"] == "tri" + found["completion"]
    assert (len(found["prompt_ids"]), len(found["ids"]), found["step"]) == (3, 5, 24)
    assert (found["temperature"], found["sample_seed"]) == (0.8, 42)


def test_temperature_zero_is_greedy(command, tiny_run):
    texts = [
        command("sample", tiny_run, "--temperature", 0, "--max-new-tokens", 20, "--seed", seed).out
        for seed in (1, 2)
    ]
    assert texts[0] == texts[1]


def test_an_earlier_step_is_another_model(command, tiny_run):
    now, before = (only(command("sample", f"{tiny_run}{at}", "--json")) for at in ("", "@4"))
    assert (now["step"], before["step"]) == (24, 4)
    assert now["ids"] != before["ids"]


def test_text_streams_in_whole_characters():
    from llmviz.terminal.sample import characters

    assert list(characters([b"a", b"\xf0\x9f", b"\x98\x8a", b"b"])) == ["a", "", "😊", "b", ""]
    assert "".join(characters([b"\xf0\x9f", b"b"])) == "\ufffdb"


# ---- evaluate ----


def test_evaluate_is_what_training_found_at_its_end(command, tiny_run):
    found = only(command("evaluate", tiny_run, "--json"))
    state = json.loads((tiny_run / "state.json").read_text())
    assert found["full"]
    assert found["loss"] == pytest.approx(state["val_loss"], abs=1e-5)
    assert found["bits_per_byte"] == pytest.approx(state["bits_per_byte"], abs=1e-5)
    assert found["accuracy"] == pytest.approx(state["val_accuracy"], abs=1e-5)
    assert found["perplexity"] == pytest.approx(math.exp(found["loss"]))


def test_evaluate_on_a_text_of_ones_own(command, tiny_run, tmp_path):
    (tmp_path / "names.txt").write_text("tritops\nrexodon\n")
    found = only(command("evaluate", tiny_run, "--data", tmp_path / "names.txt", "--json"))
    assert (found["n_tokens"], found["full"]) == (15, True)  # 16 letters; the first is not predicted


def test_evaluate_writes_a_generated_text_anew(command, tiny_run, tmp_path):
    import shutil

    copy = shutil.copytree(tiny_run, tmp_path / "copy", ignore=shutil.ignore_patterns("*.npy", "text.txt"))
    here, there = (only(command("evaluate", run, "--json")) for run in (tiny_run, copy))
    assert here == there


def test_evaluate_for_people(command, tiny_run):
    assert "nats a token" in command("evaluate", tiny_run).out


# ---- probe ----


def test_probe_attention(command, tiny_run):
    found = only(command("probe", "attention", tiny_run, "--prompt", "tritops", "--json"))
    assert found["tokens"] == list("tritops")
    (layer,) = found["attention"]
    assert len(layer) == 2
    for head in layer:
        for i, row in enumerate(head):
            assert sum(row) == pytest.approx(1, abs=1e-5)
            assert row[i + 1 :] == [0.0] * (6 - i)


def test_probe_for_people_names_every_head(command, tiny_run):
    shown = command("probe", "attention", tiny_run, "--prompt", "tri").out
    assert "layer 1 head 1" in shown
    assert "layer 1 head 2" in shown


# ---- tokens ----


def test_tokenize_shows_the_bytes_of_an_emoji(command):
    found = only(command("tokenize", "é😊", "--tokenizer", "bytes", "--json"))
    assert found["ids"] == [0xC3, 0xA9, 0xF0, 0x9F, 0x98, 0x8A]
    assert found["bytes"][2:] == ["f0", "9f", "98", "8a"]
    assert found["tokens"][2] == "⟨F0⟩"


def test_tokenize_with_a_models_tokenizer_and_its_file(command, tiny_run):
    by_run, by_file = (
        only(command("tokenize", "tri", "--tokenizer", name, "--json"))
        for name in (tiny_run, tiny_run / "tokenizer.json")
    )
    assert by_run == by_file
    assert by_run["tokens"] == ["t", "r", "i"]


def test_tokenize_characters_of_the_text_itself(command):
    assert only(command("tokenize", "banana", "--tokenizer", "chars", "--json"))["ids"] == [1, 0, 2, 0, 2, 0]


def test_train_tokenizer_and_use_it(command, tmp_path):
    text, out = tmp_path / "text.txt", tmp_path / "tokenizer.json"
    text.write_text("low low lower lowest " * 50)
    found = only(
        command("train-tokenizer", text, "--kind", "bpe", "--vocab-size", 260, "--out", out, "--json")
    )
    assert found["vocab_size"] == 260
    assert "low" in only(command("tokenize", "lower low", "--tokenizer", out, "--json"))["tokens"]

    from tokenizers import Tokenizer

    ours = only(command("tokenize", "lower low", "--tokenizer", out, "--json"))["ids"]
    assert Tokenizer.from_file(str(out)).encode("lower low").ids == ours

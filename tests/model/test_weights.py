"""Weights come back as they went; what does not fit says so."""

import pytest
import torch
from safetensors.torch import save_file

from llmviz.model import WeightsError, load_into, load_weights, read_metadata, save_weights


def test_round_trip_is_exact(make_model, architecture, tmp_path):
    model, other = make_model(architecture), make_model(architecture)
    with torch.no_grad():
        next(other.parameters()).add_(1)
    path = tmp_path / "weights.safetensors"
    save_weights(model, path, metadata={"step": "12"})
    load_into(other, load_weights(path))
    ids = torch.randint(31, (1, 9))
    assert torch.equal(other(ids), model(ids))
    assert read_metadata(path) == {"step": "12"}
    assert list(tmp_path.iterdir()) == [path]  # no temporary file is left


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_16_bits_take_half_the_room_and_come_back_as_32(make_model, tmp_path, dtype):
    model = make_model("gpt2", n_embd=64)
    save_weights(model, tmp_path / "full")
    save_weights(model, tmp_path / "half", dtype)
    assert (tmp_path / "half").stat().st_size < 0.6 * (tmp_path / "full").stat().st_size
    weights = load_weights(tmp_path / "half")
    for name, tensor in model.state_dict().items():
        assert weights[name].dtype == torch.float32
        torch.testing.assert_close(weights[name], tensor, atol=1e-3, rtol=1e-2)


def test_a_diverged_weight_is_not_made_infinite(make_model, tmp_path):
    model = make_model("gpt2")
    with torch.no_grad():
        model.wte.weight[0, 0] = 1e9
        model.wpe.weight[0, 0] = torch.nan
    save_weights(model, tmp_path / "w", torch.float16)
    weights = load_weights(tmp_path / "w")
    assert weights["wte.weight"][0, 0] == 1e9
    assert weights["wpe.weight"][0, 0].isnan()


def test_misfits_are_named_and_change_nothing(make_model, tmp_path):
    model = make_model("gpt2")
    before = model.wte.weight.clone()
    weights = {name: tensor + 1 for name, tensor in model.state_dict().items()}
    weights["wte.weight"] = torch.zeros(5, 32)
    weights["surprise"] = torch.zeros(1)
    del weights["ln_f.bias"]
    with pytest.raises(WeightsError) as error:
        load_into(model, weights)
    sentence = str(error.value)
    assert "ln_f.bias is missing" in sentence
    assert "surprise is not part of this model" in sentence
    assert "wte.weight has shape (5, 32) where the model has (31, 32)" in sentence
    assert torch.equal(model.wte.weight, before)


@pytest.mark.parametrize("content", [b"", b"not weights at all", b"\xff" * 64])
def test_a_broken_file_is_refused_in_a_sentence(tmp_path, content):
    path = tmp_path / "broken.safetensors"
    path.write_bytes(content)
    for read in (load_weights, read_metadata):
        with pytest.raises(WeightsError, match="broken.safetensors is not a whole safetensors file"):
            read(path)


def test_a_torn_file_is_refused(make_model, tmp_path):
    path = tmp_path / "torn.safetensors"
    save_weights(make_model("gpt2"), path)
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(WeightsError, match="not a whole safetensors file"):
        load_weights(path)


def test_a_missing_file_and_foreign_numbers(make_model, tmp_path):
    with pytest.raises(WeightsError, match="There is no weights file nowhere.safetensors."):
        load_weights(tmp_path / "nowhere.safetensors")
    save_file({"wte.weight": torch.ones(2, 2, dtype=torch.int64)}, tmp_path / "ints")
    with pytest.raises(WeightsError, match="does not fit|do not fit"):
        load_into(make_model("gpt2"), load_weights(tmp_path / "ints"))

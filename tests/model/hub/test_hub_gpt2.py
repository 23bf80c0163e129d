"""GPT-2 as `transformers` saves it: the same logits here, the same ids, and what is not GPT-2 is refused."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from llmviz.model import GPT2
from llmviz.model.hub import ForeignModelError, foreign_shape, foreign_weights, open_checkpoint
from llmviz.text.tokenizers import load_tokenizer
from tests.model.hub.conftest import TEXT
from tests.model.hub.foreign import check_logits, our_model, their_logits

transformers = pytest.importorskip("transformers")
tokenizers = pytest.importorskip("tokenizers")


def config(**more):
    return transformers.GPT2Config(n_positions=32, n_embd=48, n_layer=2, n_head=3, **more)


@pytest.mark.parametrize("how", [{}, {"padding": 27}, {"max_shard_size": "40kB"}, {"dtype": torch.bfloat16}])
def test_logits_are_those_of_transformers(save_foreign, how):
    folder = save_foreign(config(), **how)
    check_logits(folder)
    assert type(our_model(folder)) is GPT2  # the readable one


@pytest.mark.parametrize(
    "different",
    [
        {"activation_function": "relu"},
        {"activation_function": "gelu"},  # the exact one
        {"n_inner": 100},
        {"layer_norm_epsilon": 1e-2},
        {"tie_word_embeddings": False},
    ],
)
def test_so_are_those_of_its_variants(save_foreign, different):
    check_logits(save_foreign(config(**different)))


@pytest.mark.parametrize("different", [{}, {"afn": "relu", "layer_norm_epsilon": 1e-2}])
def test_so_are_those_of_the_first_gpt(save_foreign, different):
    """Its norms stand after the sums, and there is none at the end."""
    shape = {"n_positions": 32, "n_embd": 48, "n_layer": 2, "n_head": 3}
    check_logits(save_foreign(transformers.OpenAIGPTConfig(**shape, **different)))


def test_a_long_context_is_cut_to_what_llmviz_looks_at(save_foreign):
    folder = save_foreign(transformers.GPT2Config(n_positions=4096, n_embd=8, n_layer=1, n_head=1))
    check_logits(folder)
    assert our_model(folder).config.block_size == 2048


def test_weights_in_several_files_are_several(save_foreign):
    folder = save_foreign(config(), max_shard_size="40kB")
    assert len(list(folder.glob("model-*.safetensors"))) > 1


def test_the_files_of_2019_have_no_prefix_and_hold_masks(save_foreign):
    folder = save_foreign(config())
    expected = their_logits(folder, torch.arange(32)[None])
    tensors = load_file(folder / "model.safetensors")
    old = {name.removeprefix("transformer."): tensor for name, tensor in tensors.items()}
    old["h.0.attn.bias"] = torch.ones(1, 1, 32, 32).tril()
    save_file(old, folder / "model.safetensors", {"format": "pt"})
    with torch.no_grad():
        assert (our_model(folder)(torch.arange(32)[None]) - expected).abs().max() <= 1e-4


def test_ids_are_those_of_tokenizers(gpt2_tokenizer):
    theirs = tokenizers.Tokenizer.from_file(str(gpt2_tokenizer))
    mine = load_tokenizer(gpt2_tokenizer)
    for text in (TEXT, " a", "a ", "\n\n\n a", "12 345", "don't DON'T", "日本語 ﬁ é"):
        ids = theirs.encode(text).ids
        assert mine.encode(text) == ids
        assert mine.decode(ids) == theirs.decode(ids, skip_special_tokens=False)


@pytest.mark.parametrize(
    "different",
    [
        {"activation_function": "silu"},
        {"n_inner": -100},
        {"layer_norm_epsilon": "small"},
        {"tie_word_embeddings": "perhaps"},
        {"scale_attn_by_inverse_layer_idx": True},
        {"add_cross_attention": True},
        {"n_layer": "two"},
        {"n_head": 0},
    ],
)
def test_what_we_would_compute_differently_is_refused(different):
    with pytest.raises(ForeignModelError, match=r"\.$"):
        foreign_shape(config().to_dict() | different)


def test_every_size_of_gpt2_has_a_shape():
    for n_layer, n_head, n_embd in ((12, 12, 768), (24, 16, 1024), (36, 20, 1280), (48, 25, 1600)):
        found = foreign_shape({"model_type": "gpt2", "n_layer": n_layer, "n_head": n_head, "n_embd": n_embd})
        assert (found["n_layer"], found["block_size"]) == (n_layer, 1024)


def test_pickled_weights_are_never_opened(save_foreign):
    folder = save_foreign(config())
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(b"cos\nsystem\n(S'touch /tmp/owned'\ntR.")
    with pytest.raises(ForeignModelError, match="pickled"):
        open_checkpoint(folder)


def test_a_file_that_the_index_names_is_there_or_missed(save_foreign):
    folder = save_foreign(config(), max_shard_size="40kB")
    missing = next(folder.glob("model-*.safetensors"))
    missing.unlink()
    with pytest.raises(ForeignModelError, match=f"There is no {missing.name} in .* fetch the rest"):
        our_model(folder)


def test_an_index_cannot_name_files_elsewhere(save_foreign):
    folder = save_foreign(config(), max_shard_size="40kB")
    index = json.loads((folder / "model.safetensors.index.json").read_text())
    index["weight_map"]["transformer.wte.weight"] = "../elsewhere.safetensors"
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(ForeignModelError, match="beside it"):
        open_checkpoint(folder)


@pytest.mark.parametrize(
    "content", ["", "[]", "{", "[" * 100_000, '{"model_type": "mamba"}', '{"model_type": []}']
)
def test_a_hostile_config_is_a_sentence(tmp_path, content):
    (tmp_path / "config.json").write_text(content)
    (tmp_path / "model.safetensors").write_bytes(b"nothing")
    with pytest.raises(ForeignModelError, match=r"\.$"):
        foreign_shape(open_checkpoint(tmp_path).config)


def test_weights_that_are_not_there_are_named(save_foreign):
    folder = save_foreign(config())
    tensors = load_file(folder / "model.safetensors")
    del tensors["transformer.h.1.mlp.c_fc.bias"]
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(ForeignModelError, match=r"lack transformer.h.1.mlp.c_fc.bias"):
        our_model(folder)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"transformer.h.0.attn.extra": torch.ones(3)}, "would not use, such as transformer.h.0.attn.extra"),
        ({"transformer.ln_f.weight": torch.ones(48, dtype=torch.int8)}, "packed"),
        ({"transformer.h.0.mlp.c_fc.weight": torch.ones(2, 3, 4)}, "shapes|do not fit"),
        ({"transformer.wte.weight": torch.ones(400, 7)}, "do not fit"),
        ({"transformer.wte.weight": torch.tensor(1.0)}, "a single number"),
        ({"transformer.h.0.mlp.c_fc.weight": torch.tensor(1.0)}, "a single number"),
    ],
)
def test_weights_that_are_something_else_are_refused(save_foreign, change, says):
    folder = save_foreign(config())
    tensors = load_file(folder / "model.safetensors") | change
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(ValueError, match=says) as refused:
        our_model(folder)
    assert str(refused.value).endswith(".")


def test_quantised_models_are_refused():
    with pytest.raises(ForeignModelError, match="quantised"):
        foreign_shape(config().to_dict() | {"quantization_config": {"bits": 4}})


def test_a_tokenizer_of_another_model_is_refused(save_foreign):
    with pytest.raises(ForeignModelError, match="do not belong together"):
        foreign_weights(open_checkpoint(save_foreign(config())), 10_000)

"""Our Llama is Llama, and with QK-norm Qwen3: the same weights give the same numbers in `transformers`."""

import pytest
import torch

from llmviz.model import VariantGPT, build_gpt
from llmviz.settings import ModelSettings

transformers = pytest.importorskip("transformers")

SHAPE = {"architecture": "llama", "n_layer": 2, "n_head": 4, "n_embd": 32, "block_size": 24, "mlp_width": 48}
VOCABULARY = 31


def pairs_to_halves(weight: torch.Tensor, head_width: int) -> torch.Tensor:
    """RoPE's pairs are neighbours here (0, 1), (2, 3), …; transformers pairs (0, D/2), (1, D/2 + 1), …"""
    rows = weight.unflatten(0, (-1, head_width))  # (heads, D, …)
    return torch.cat([rows[:, 0::2], rows[:, 1::2]], dim=1).flatten(0, 1)


def twin(model: VariantGPT, theirs: str = "Llama", **more):
    """A Llama or Qwen3 of transformers with our model's weights."""
    config, choices = model.config, model.config.choices
    rope = {"rope_type": "default", "rope_theta": choices.rope_base} | more.pop("rope", {})
    made = getattr(transformers, f"{theirs}ForCausalLM")(
        getattr(transformers, f"{theirs}Config")(
            vocab_size=config.vocab_size,
            hidden_size=config.n_embd,
            intermediate_size=choices.mlp_width,
            num_hidden_layers=config.n_layer,
            num_attention_heads=config.n_head,
            num_key_value_heads=choices.n_kv_head,
            head_dim=choices.head_width,
            rms_norm_eps=choices.norm_eps,
            max_position_embeddings=config.block_size,
            tie_word_embeddings=choices.tied,
            rope_parameters=rope,
            bos_token_id=0,
            eos_token_id=0,
            attn_implementation="eager",
            **more,
        )
    ).eval()
    H, K, D = config.n_head, choices.n_kv_head, choices.head_width
    state = {"model.embed_tokens.weight": model.wte.weight, "model.norm.weight": model.ln_f.weight}
    state["lm_head.weight"] = model.wte.weight if choices.tied else model.lm_head.weight
    for i, block in enumerate(model.blocks):
        q, k, v = block.attn.c_attn.weight.split((H * D, K * D, K * D))
        parts = {
            "self_attn.q_proj": pairs_to_halves(q, D),
            "self_attn.k_proj": pairs_to_halves(k, D),
            "self_attn.v_proj": v,
            "self_attn.o_proj": block.attn.c_proj.weight,
            "mlp.gate_proj": block.mlp.c_gate.weight,
            "mlp.up_proj": block.mlp.c_fc.weight,
            "mlp.down_proj": block.mlp.c_proj.weight,
            "input_layernorm": block.ln_1.weight,
            "post_attention_layernorm": block.ln_2.weight,
        }
        if choices.qk_norm:
            parts["self_attn.q_norm"] = pairs_to_halves(block.attn.q_norm.weight, D)
            parts["self_attn.k_norm"] = pairs_to_halves(block.attn.k_norm.weight, D)
        state |= {f"model.layers.{i}.{name}.weight": weight for name, weight in parts.items()}
    made.load_state_dict(state)
    return made


def random_model(**changes) -> VariantGPT:
    model = build_gpt(ModelSettings(**(SHAPE | changes)), VOCABULARY, seed=1).eval()
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(torch.randn_like(weight) * 0.2)
    return model


def check(model: VariantGPT, reference) -> None:
    ids = torch.randint(VOCABULARY, (3, model.config.block_size))
    with torch.no_grad():
        found, maps = model.forward_with_attention(ids)
        expected = reference(ids, output_attentions=True)
        torch.testing.assert_close(found, expected.logits, atol=1e-4, rtol=0)
        torch.testing.assert_close(model(ids), expected.logits, atol=1e-4, rtol=0)
        for ours, theirs in zip(maps, expected.attentions, strict=True):
            torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("tied", ["off", "on"])
@pytest.mark.parametrize("n_kv_head", [0, 1, 2])
def test_llama(n_kv_head, tied):
    model = random_model(n_kv_head=n_kv_head, tied=tied, norm_eps=1e-6, rope_base=500.0)
    check(model, twin(model))


def test_a_head_of_its_own_width():
    model = random_model(head_width=12)
    check(model, twin(model))


def test_rotations_slowed_down_all_alike():
    model = random_model(rope_scaling="linear", rope_factor=4.0)
    check(model, twin(model, rope={"rope_type": "linear", "factor": 4.0}))


def test_rotations_slowed_down_where_they_are_slow():
    model = random_model(
        head_width=16, rope_scaling="llama3", rope_factor=8.0, rope_low=1.0, rope_high=4.0, rope_original=64
    )
    rope = {
        "rope_type": "llama3",
        "factor": 8.0,
        "low_freq_factor": 1.0,
        "high_freq_factor": 4.0,
        "original_max_position_embeddings": 64,
    }
    check(model, twin(model, rope=rope))


def test_qwen3_normalises_queries_and_keys():
    model = random_model(qk_norm="on", n_kv_head=2, head_width=12, norm_eps=1e-6)
    check(model, twin(model, "Qwen3"))


def test_gradients_equal():
    model = random_model(n_kv_head=2)
    reference = twin(model)
    ids = torch.randint(VOCABULARY, (2, 10))
    model(ids).square().mean().backward()
    reference(ids).logits.square().mean().backward()
    for name, theirs in (
        ("mlp.c_gate", "mlp.gate_proj"),
        ("mlp.c_proj", "mlp.down_proj"),
        ("attn.c_proj", "self_attn.o_proj"),
        ("ln_1", "input_layernorm"),
    ):
        ours = model.blocks[0].get_submodule(name).weight.grad
        expected = reference.model.layers[0].get_submodule(theirs).weight.grad
        torch.testing.assert_close(ours, expected, atol=2e-5, rtol=1e-3, msg=name)

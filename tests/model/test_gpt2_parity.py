"""Our GPT-2 is GPT-2: the same weights give the same numbers in `transformers`."""

import pytest
import torch
import torch.nn.functional as F

from llmviz.probes import attention

transformers = pytest.importorskip("transformers")

# transformers keeps GPT-2's linear weights as (in, out), because the original was TensorFlow.
TRANSPOSED = ("c_attn.weight", "c_proj.weight", "c_fc.weight")


def transformers_twin(model):
    """A GPT2LMHeadModel with our model's weights and readable attention."""
    shape = model.config
    twin = transformers.GPT2LMHeadModel(
        transformers.GPT2Config(
            vocab_size=shape.vocab_size,
            n_positions=shape.block_size,
            n_embd=shape.n_embd,
            n_layer=shape.n_layer,
            n_head=shape.n_head,
            bos_token_id=0,
            eos_token_id=0,
            attn_implementation="eager",
        )
    ).eval()
    state = {}
    for name, tensor in model.state_dict().items():
        theirs = "transformer." + name.replace("blocks.", "h.")
        state[theirs] = tensor.t() if name.endswith(TRANSPOSED) else tensor
    state["lm_head.weight"] = state["transformer.wte.weight"]
    twin.load_state_dict(state)
    return twin


@pytest.mark.parametrize(
    "shape",
    [
        {},
        {"n_head": 1, "n_layer": 1},
        {"vocab_size": 65, "block_size": 64, "n_layer": 4, "n_head": 4, "n_embd": 128},
    ],
)
def test_logits_equal(make_model, shape):
    model = make_model("gpt2", **shape)
    ids = torch.randint(model.config.vocab_size, (3, model.config.block_size))
    with torch.no_grad():
        difference = (model(ids) - transformers_twin(model)(ids).logits).abs().max()
    assert difference <= 1e-5


def test_attention_weights_equal(make_model):
    model = make_model("gpt2")
    ids = torch.randint(model.config.vocab_size, (1, 13))
    with torch.no_grad():
        theirs = transformers_twin(model)(ids, output_attentions=True).attentions
    ours = attention(model, ids[0].tolist())
    torch.testing.assert_close(ours.weights, torch.cat(theirs), atol=1e-6, rtol=1e-5)


def test_gradients_equal(make_model):
    model = make_model("gpt2").train()
    twin = transformers_twin(model).eval()  # its dropout is 0.1 by default; eval differs in nothing else
    ids = torch.randint(model.config.vocab_size, (3, 17))
    for network, logits in ((model, model(ids[:, :-1])), (twin, twin(ids[:, :-1]).logits)):
        network.zero_grad()
        F.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten()).backward()
    theirs = dict(twin.named_parameters())
    for name, parameter in model.named_parameters():
        grad = theirs["transformer." + name.replace("blocks.", "h.")].grad
        expected = grad.t() if name.endswith(TRANSPOSED) else grad
        torch.testing.assert_close(parameter.grad, expected, atol=2e-5, rtol=1e-3, msg=name)


def test_initial_weights_are_distributed_as_gpt2s():
    from llmviz.model import GPT, GPTConfig

    torch.manual_seed(0)
    model = GPT(GPTConfig(vocab_size=200, block_size=64, n_layer=8, n_head=4, n_embd=128))
    assert model.wte.weight.std().item() == pytest.approx(0.02, rel=0.05)
    assert model.blocks[3].mlp.c_fc.weight.std().item() == pytest.approx(0.02, rel=0.05)
    assert model.blocks[3].mlp.c_proj.weight.std().item() == pytest.approx(0.02 / 16**0.5, rel=0.05)
    assert not model.blocks[0].attn.c_attn.bias.any()

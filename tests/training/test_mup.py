"""µP does what it is for: a step of training changes a wide model as much as a narrow one."""

import torch
import torch.nn.functional as F

from llmviz.model import build_gpt
from llmviz.settings import ModelSettings, TrainingSettings
from llmviz.training.optimizers import build_optimizer

VOCABULARY, STEPS, RATE = 20, 5, 2**-7


def change_of_scores(init: str, width: int) -> float:
    """How far a few steps of AdamW move the scores of the next token: root mean square."""
    settings = ModelSettings(n_layer=2, n_head=4, n_embd=width, block_size=16, tied="off", init=init)
    model = build_gpt(settings, VOCABULARY, seed=1)
    optimizer = build_optimizer(model, TrainingSettings(learning_rate=RATE, weight_decay=0.0))
    for group in optimizer.param_groups:
        group["lr"] = RATE * group["rate"]
    ids = torch.randint(VOCABULARY, (8, 17), generator=torch.Generator().manual_seed(1))
    before = model(ids[:, :-1]).detach()
    for _ in range(STEPS):
        F.cross_entropy(model(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten()).backward()
        optimizer.step()
        optimizer.zero_grad()
    return (model(ids[:, :-1]).detach() - before).square().mean().sqrt().item()


def test_a_step_moves_every_width_alike():
    """The check that the paper recommends: with µP the change settles as width grows; with the usual start
    it goes on growing, which is why a wide model then wants a lower learning rate."""
    mup = [change_of_scores("mup", width) for width in (64, 384)]
    usual = [change_of_scores("gpt2", width) for width in (64, 384)]
    assert 0.7 < mup[1] / mup[0] < 1.4
    assert usual[1] / usual[0] > 1.8

import torch
import torch.nn.functional as F

from llmviz.training import Batch, next_token_objective
from llmviz.training.objectives import first_guess_accuracy

B, T, V = 3, 5, 11


def batch_of(mask=None):
    torch.manual_seed(0)
    targets = torch.randint(V, (B, T))
    return Batch(
        torch.randint(V, (B, T)), targets, torch.ones(B, T, dtype=torch.bool) if mask is None else mask
    )


def table_model():
    torch.manual_seed(1)
    return torch.nn.Embedding(V, V)  # a bigram table: ids (B, T) → logits (B, T, V)


def test_loss_is_the_mean_surprise_at_the_next_token():
    model, batch = table_model(), batch_of()
    loss, metrics = next_token_objective(model, batch)
    logits = model(batch.inputs)
    assert torch.equal(loss, F.cross_entropy(logits.flatten(0, 1), batch.targets.flatten()))
    assert metrics["accuracy"] == (logits.argmax(-1) == batch.targets).float().mean()


def test_masked_places_do_not_count():
    mask = torch.zeros(B, T, dtype=torch.bool)
    mask[:, 2] = True
    model, batch = table_model(), batch_of(mask)
    loss, metrics = next_token_objective(model, batch)
    logits = model(batch.inputs)[:, 2]
    torch.testing.assert_close(loss, F.cross_entropy(logits, batch.targets[:, 2]))
    assert metrics["accuracy"] == (logits.argmax(-1) == batch.targets[:, 2]).float().mean()


def test_the_quick_accuracy_is_the_plain_one():
    torch.manual_seed(2)
    logits = torch.randn(500, V)
    targets = torch.where(torch.rand(500) < 0.5, logits.argmax(-1), torch.randint(V, (500,)))
    assert first_guess_accuracy(logits, targets) == (logits.argmax(-1) == targets).float().mean()


def test_a_model_that_prefers_nothing_has_guessed_nothing():
    assert first_guess_accuracy(torch.zeros(6, V), torch.arange(6)) == 0

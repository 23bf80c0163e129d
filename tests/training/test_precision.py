"""16 bits where the machine is good at it; gradients of fp16 kept in range; nothing chosen silently."""

import time

import pytest
import torch

from llmviz.settings import SettingsError, TrainingSettings, parse_settings
from llmviz.training import hardware as hardware_module
from llmviz.training import load_checkpoint, next_token_objective, save_checkpoint
from llmviz.training.hardware import Hardware, choose_device, choose_hardware, threads_that_pay
from llmviz.training.precision import LossScale
from tests.training.tiny import trainer

CPU = torch.device("cpu")


@pytest.fixture
def units(monkeypatch):
    """A CPU with units for bf16, or one without: `units(False)`."""

    def pretend(there: bool) -> None:
        monkeypatch.setattr(hardware_module, "has_bf16_units", lambda device: there)

    pretend(True)
    return pretend


@pytest.fixture
def fp16_anywhere(monkeypatch):
    """As on a graphics card: PyTorch can do fp16 on a CPU too, only slowly."""
    monkeypatch.setattr(hardware_module, "why_not", lambda precision, device: None)
    return {"device": "auto", "precision": "fp16"}


@pytest.mark.parametrize(("slower", "chosen"), [("fp32", "bf16"), ("bf16", "fp32"), ("neither", "fp32")])
def test_automatic_is_what_a_trial_says(units, slower, chosen):
    def learn(precision):
        time.sleep(0.004 if precision == slower else 0.001)

    found = choose_hardware(TrainingSettings(precision="auto"), CPU, learn)
    assert found.precision == chosen


def test_the_trial_is_as_large_as_batches_become(units, monkeypatch):
    monkeypatch.setattr(hardware_module, "_is_faster", lambda precision, learn: bool(learn(precision)))
    tried = []

    def objective(model, batch):
        tried.append(tuple(batch.inputs.shape))
        return next_token_objective(model, batch)

    trainer(objective=objective, precision="auto", start_batch=1, start_context=2)
    assert tried == [(4, 8)]


@pytest.mark.parametrize(("slow", "chosen"), [(1, 2), (2, 1), (None, 1)])
def test_all_threads_have_to_pay(slow, chosen):
    def learn():
        time.sleep(0.004 if torch.get_num_threads() == slow else 0.001)

    before = torch.get_num_threads()
    assert threads_that_pay(2, learn) == chosen
    assert torch.get_num_threads() == before


def test_trying_threads_leaves_no_trace():
    tried, calm = trainer(), trainer()
    for _ in range(3):
        tried.threads_that_pay(2)
        assert tried.step().loss == calm.step().loss


def test_without_units_nothing_is_tried(units):
    units(False)
    found = choose_hardware(TrainingSettings(precision="auto"), CPU, lambda _: pytest.fail("tried"))
    assert found == Hardware("cpu", "fp32", "fp32")


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"precision": "bf16"}, "no units for bf16"),
        ({"precision": "fp16", "device": "auto"}, "Only a graphics card"),
        ({"device": "cuda"}, "There is no NVIDIA"),
        ({"compile": True}, "C\\+\\+ compiler"),
    ],
)
def test_what_the_machine_lacks_is_said(units, monkeypatch, asked, sentence):
    units(False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setattr(hardware_module.shutil, "which", lambda name: None)
    with pytest.raises(ValueError, match=sentence):
        trainer(**asked)


def test_fp16_on_a_processor_is_refused_beforehand():
    with pytest.raises(SettingsError, match="does not compute with fp16"):
        parse_settings({"precision": "fp16", "device": "cpu"})


def test_the_best_device_there_is(monkeypatch):
    there = {"cuda": False, "mps": False}
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there["cuda"])
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: there["mps"])
    found = []
    for name in ("", "mps", "cuda"):
        there[name] = True
        found.append(choose_device("auto").type)
    assert found == ["cpu", "mps", "cuda"]


def test_bf16_learns_nearly_the_same_with_weights_of_32_bits(units):
    plain, short = trainer(), trainer(precision="bf16")
    for _ in range(8):
        one, other = plain.step(), short.step()
        assert other.loss == pytest.approx(one.loss, rel=0.02)
    assert one.loss != other.loss
    kinds = {tensor.dtype for tensor in short.state()[0].values()}
    assert kinds == {torch.float32}


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_bf16_resumes_exactly(units, tmp_path, optimizer):
    asked = {"precision": "bf16", "optimizer": optimizer}
    whole, first, second = trainer(**asked), trainer(**asked), trainer(**asked)
    for _ in range(4):
        first.step()
    save_checkpoint(tmp_path / "c", first)
    load_checkpoint(tmp_path / "c", second)
    for t in (whole, second):
        while not t.finished:
            t.step()
    assert all(torch.equal(whole.state()[0][name], tensor) for name, tensor in second.state()[0].items())


def test_a_run_goes_on_as_it_began(units, monkeypatch, tmp_path):
    monkeypatch.setattr(hardware_module, "_is_faster", lambda precision, learn: True)
    t = trainer(precision="auto", optimizer="muon")
    assert t.hardware == Hardware("cpu", "bf16", "bf16")
    t.step()
    save_checkpoint(tmp_path / "c", t)
    monkeypatch.setattr(hardware_module, "_is_faster", lambda precision, learn: False)
    later = trainer(precision="auto", optimizer="muon")
    load_checkpoint(tmp_path / "c", later)
    assert later.hardware == t.hardware
    assert later.optimizer.optimizers[0].dtype == torch.bfloat16
    units(False)  # moved to a machine that has none
    moved = trainer(precision="auto", optimizer="muon")
    load_checkpoint(tmp_path / "c", moved)
    assert moved.hardware == Hardware("cpu", "fp32", "fp32")


def test_runs_of_before_go_on_in_32_bits(units):
    assert Hardware("cpu", "bf16", "bf16").again(None).precision == "fp32"


def test_the_scale_halves_when_gradients_overflow_and_grows_when_all_is_calm():
    scale = LossScale()
    assert scale.overflowed(finite=False)
    assert scale.factor == LossScale.FIRST / 2
    for _ in range(LossScale.PATIENCE):
        assert not scale.overflowed(finite=True)
    assert scale.factor == LossScale.FIRST
    scale.factor = 1.0
    assert not scale.overflowed(finite=False), "the gradients themselves are to blame"


def test_fp16_learns_nearly_the_same(fp16_anywhere):
    plain, short = trainer(), trainer(**fp16_anywhere)
    for _ in range(8):
        one, other = plain.step(), short.step()
        assert other.loss == pytest.approx(one.loss, rel=0.02)
        assert other.grad_norm == pytest.approx(one.grad_norm, rel=0.1)


def test_a_step_whose_gradients_overflow_is_left_out(fp16_anywhere, tmp_path):
    def steep(model, batch):
        loss, metrics = next_token_objective(model, batch)
        return loss * 3e3, metrics  # times 65,536 that is more than fp16 can hold on the way back

    t = trainer(steep, **fp16_anywhere)
    before = [weight.clone() for weight in t.model.parameters()]
    left_out = [t.step()]
    while left_out[-1].grad_norm == float("inf"):
        assert all(torch.equal(a, b) for a, b in zip(before, t.model.parameters(), strict=True))
        left_out.append(t.step())
    assert 2 <= len(left_out) <= 20
    assert t.loss_scale.factor == LossScale.FIRST / 2 ** (len(left_out) - 1)
    assert not all(torch.equal(a, b) for a, b in zip(before, t.model.parameters(), strict=True))
    save_checkpoint(tmp_path / "c", t)
    resumed = trainer(steep, **fp16_anywhere)
    load_checkpoint(tmp_path / "c", resumed)
    assert resumed.loss_scale.as_dict() == t.loss_scale.as_dict()

"""The trainer: guess, measure, correct (book, section 5.2). One call of `step` is one correction."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from llmviz.model import set_dropout
from llmviz.training.batches import Batch
from llmviz.training.compiling import compiled
from llmviz.training.hardware import Hardware, choose_device, choose_hardware, threads_that_pay
from llmviz.training.objectives import Objective
from llmviz.training.optimizers import build_optimizer
from llmviz.training.precision import DTYPES, LossScale, in_precision
from llmviz.training.recompute import recompute_blocks
from llmviz.training.schedule import Deadline, learning_rate_at, position_at

if TYPE_CHECKING:
    from llmviz.settings import TrainingSettings

SEED_STRIDE = 1_000_003  # a prime: keeps the dropout dice of neighbouring seeds apart


@dataclass(frozen=True)
class StepRecord:
    """What happened in one step. `step` counts from 0: the corrections made before this one."""

    step: int
    loss: float  # nats, on this step's batch, before the correction
    accuracy: float  # share of right first guesses on that batch
    lr: float
    grad_norm: float  # before clipping
    seconds: float  # how long the step took
    tokens: int  # how many targets it learned from


class Diverged(ArithmeticError):
    """Loss or gradient is not a finite number. Raised before the weights are touched.

    step: which one. what: "loss" or "gradient". sentence: what most likely happened, in plain words.
    """

    def __init__(self, step: int, what: str, sentence: str) -> None:
        super().__init__(sentence)
        self.step = step
        self.what = what
        self.sentence = sentence


class Trainer:
    """A model in training: weights, optimizer and the number of the next step.

    data: called with a step and how far the run is (0 to 1), returns the step's batch. In a run by steps both
    the batch and the dice of dropout depend on (seed, step) alone, so the weights after n steps do not depend
    on pauses, on what was sampled or evaluated in between, or on how often the trainer was saved and loaded.
    """

    def __init__(
        self,
        model: nn.Module,
        objective: Objective,
        data: Callable[[int, float], Batch],
        settings: "TrainingSettings",
    ) -> None:
        device = choose_device(settings.device)
        self.model = model.to(device).train()
        self.data = data
        self.settings = settings
        self.weights = [weight for weight in model.parameters() if weight.requires_grad]
        self.device = device
        if settings.recompute:
            recompute_blocks(model)
        # Compiled for gradients only, from the tokens to the loss: what writes and evaluates meets new shapes
        # all the time.
        self._measure = partial(objective, model)
        self._learn = compiled(self._measure) if settings.compile else self._measure
        self._compiled_for: set[tuple[int, ...]] = set()  # shapes of inputs
        self.steps_done = 0
        self.seconds = 0.0  # of training: what is counted against max_seconds
        self.tokens_seen = 0
        self.lr_scale = 1.0
        self.dropout: float | None = None  # None: as the model was built
        self.deadline: Deadline | None = None
        self._ended_in_time = False  # the deadline has passed, and the last step was made with the last rate
        self._use(choose_hardware(settings, device, self._try_out))

    @property
    def finished(self) -> bool:
        """Whether the budget of steps, or of time if there is one, is used up.

        A deadline lets one more step be made after it: the one whose learning rate is at its end.
        """
        limit = self.settings.max_seconds
        out_of_time = limit is not None and self.seconds >= limit
        return self.steps_done >= self.settings.max_steps or out_of_time or self._ended_in_time

    @property
    def learning_rate(self) -> float:
        """The learning rate of the next step."""
        return self.lr_scale * learning_rate_at(self.steps_done, self.settings, self._share_of_time())

    @property
    def schedule_height(self) -> float:
        """Where the schedule stands at the next step, as a share of the highest learning rate."""
        rate = learning_rate_at(self.steps_done, self.settings, self._share_of_time())
        return rate / self.settings.learning_rate

    def step(self) -> StepRecord:
        """Learn from one batch. Raises Diverged, the weights untouched, if the numbers are not finite."""
        started = time.perf_counter()
        step, share = self.steps_done, self._share_of_time()
        lr = self.lr_scale * learning_rate_at(step, self.settings, share)
        batch = self._batch(share)
        if self.settings.compile and self._compile_for(batch):
            started = time.perf_counter()  # no step's time is the compiler's
        self._throw_dropout_dice()
        loss, metrics = self._guess_and_measure(batch, learn=True)
        grad_norm = self._clip_gradients(loss, lr)
        for group in self.optimizer.param_groups:
            group["lr"] = lr * group["rate"]
        self.optimizer.step()
        self.optimizer.zero_grad()
        tokens = batch.targets.numel()
        self.steps_done += 1
        self.tokens_seen += tokens
        self._ended_in_time = self.deadline is not None and share is not None and share >= 1.0
        seconds = time.perf_counter() - started
        self.seconds += seconds
        accuracy = float(metrics.get("accuracy", math.nan))
        return StepRecord(step, loss.item(), accuracy, lr, grad_norm, seconds, tokens)

    def threads_that_pay(self, most: int) -> int:
        """How many threads to train with, all or one, by a short trial that leaves no trace."""
        return threads_that_pay(most, partial(self._try_out, self.hardware.precision))

    def next_batch(self) -> Batch:
        """What the next step will learn from."""
        return self._batch(self._share_of_time())

    def loss_ahead(self) -> float:
        """The loss that the next step will find, without taking it: how good the weights are right now."""
        with torch.no_grad():
            self._throw_dropout_dice()
            loss, _ = self._guess_and_measure(self.next_batch(), learn=False)
        return loss.item()

    def change(
        self,
        learning_rate: float | None = None,
        dropout: float | None = None,
        deadline: Deadline | None = None,
    ) -> None:
        """Change a running training from its next step on.

        learning_rate: the new highest rate; it scales what is left of the schedule. dropout: share of zeros.
        deadline: when it is over, instead of any deadline before; one at 0 means none.
        """
        if deadline is not None:
            self.deadline = deadline if deadline.at else None
        if learning_rate is not None:
            self.lr_scale = learning_rate / self.settings.learning_rate
        if dropout is not None:
            self.dropout = dropout
            set_dropout(self.model, dropout)
            self._compiled_for.clear()  # it is a constant of the program

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """All that the next step depends on: tensors by name, and scalars."""
        tensors = {f"model.{name}": tensor for name, tensor in self.model.state_dict().items()}
        for name, weight in self.model.named_parameters():
            for kind, moment in self.optimizer.state.get(weight, {}).items():
                tensors[f"optimizer.{kind}.{name}"] = moment
        scalars = {
            "step": self.steps_done,
            "seconds": self.seconds,
            "tokens_seen": self.tokens_seen,
            "lr_scale": self.lr_scale,
            "dropout": self.dropout,
            "hardware": self.hardware.as_dict(),
            "loss_scale": self.loss_scale and self.loss_scale.as_dict(),
            "ended_in_time": self._ended_in_time,
        }
        return tensors, scalars

    def load_state(self, tensors: dict[str, Tensor], scalars: dict[str, Any]) -> None:
        """Go on from a state that `state` returned, in this process or in another one."""
        weights: dict[str, Tensor] = {}
        moments: dict[str, dict[str, Tensor]] = {}  # {weight's name: {kind: moment}}
        counts: dict[float, Tensor] = {}  # {how many steps: the one tensor that says so}, as AdamW has it
        for key, tensor in tensors.items():
            if key.startswith("model."):
                weights[key.removeprefix("model.")] = tensor
            else:
                _, kind, name = key.split(".", 2)
                moment = tensor.to(self.device, copy=True)
                if kind == "step":
                    moment = counts.setdefault(moment.item(), moment)
                moments.setdefault(name, {})[kind] = moment
        self.model.load_state_dict(weights)  # copied into place: where a number lies in memory changes no bit
        self._use(self.hardware.again(scalars.get("hardware")))
        if self.loss_scale and scalars.get("loss_scale"):
            self.loss_scale.restore(scalars["loss_scale"])
        for name, weight in self.model.named_parameters():
            if name in moments:
                self.optimizer.state[weight] = moments[name]
        self.steps_done = int(scalars["step"])
        self.seconds = float(scalars["seconds"])
        self.tokens_seen = int(scalars["tokens_seen"])
        self.lr_scale = float(scalars["lr_scale"])
        self._ended_in_time = bool(scalars.get("ended_in_time"))  # versions before did not say
        self.change(dropout=scalars["dropout"])

    def _share_of_time(self) -> float | None:
        """How much of the time there is was used up, 0 to 1 or a little more; None: time does not matter."""
        limit, deadline = self.settings.max_seconds, self.deadline
        shares = [] if limit is None else [self.seconds / limit]
        shares += [] if deadline is None else [deadline.share_at(time.time())]
        return max(shares, default=None)

    def _batch(self, share: float | None) -> Batch:
        """The batch of the next step. share: of the run's time that is used up."""
        progress = position_at(self.steps_done, self.settings, share) / self.settings.max_steps
        return self.data(self.steps_done, progress).to(self.device)

    def _use(self, hardware: Hardware) -> None:
        """Compute with this from now on, with an optimizer that remembers nothing yet."""
        self.hardware = hardware
        self.optimizer = build_optimizer(self.model, self.settings, DTYPES.get(hardware.muon, torch.float32))
        self.loss_scale = LossScale() if hardware.precision == "fp16" else None

    def _compile_for(self, batch: Batch) -> bool:
        """Let the compiler do its work on shapes that it has not met; whether there were any."""
        pieces = {piece.inputs.shape: piece for piece, _ in batch.pieces(self.settings.accumulation)}
        new = pieces.keys() - self._compiled_for
        for shape in new:
            self._try_out(self.hardware.precision, pieces[shape])
        self._compiled_for |= new
        return bool(new)

    def _try_out(self, precision: str, piece: Batch | None = None) -> None:
        """Find the gradient of a piece, or of one as large as they get, in this precision, and forget it."""
        if piece is None:
            piece, _ = next(self.data(0, 1.0).to(self.device).pieces(self.settings.accumulation))
        with in_precision(precision, self.device):
            loss, _ = self._learn(piece)
        loss.backward()
        loss.item()  # a graphics card is waited for
        self.model.zero_grad()

    def _guess_and_measure(self, batch: Batch, learn: bool) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss on a batch and what else the objective says of it; learn: find the gradients too.

        Only the intermediate results of one piece are in memory at a time.
        """
        losses, metrics = [], []
        for piece, share in batch.pieces(self.settings.accumulation):
            with in_precision(self.hardware.precision, self.device):
                loss, found = (self._learn if learn else self._measure)(piece)
            if learn:  # gradients add up from piece to piece
                loss.backward((share * self.loss_scale.factor if self.loss_scale else share).to(loss.dtype))
            losses.append(loss.detach() * share)
            metrics.append({name: value * share for name, value in found.items()})
        return sum(losses), {name: sum(piece[name] for piece in metrics) for name in metrics[0]}

    def _throw_dropout_dice(self) -> None:
        seed = self.settings.seed * SEED_STRIDE + self.steps_done
        # torch.manual_seed asks every kind of device (75 µs a step); the CPU's own generator takes 1 µs.
        if self.device.type == "cpu":
            torch.default_generator.manual_seed(seed)
        else:
            torch.manual_seed(seed)

    def _clip_gradients(self, loss: Tensor, lr: float) -> float:
        """Shorten the gradient to `grad_clip` if it is longer; return how long it was."""
        gradients = [weight.grad for weight in self.weights if weight.grad is not None]
        if self.loss_scale:
            self.loss_scale.take_back(gradients)
        norm = nn.utils.get_total_norm(gradients)
        if self.loss_scale and math.isfinite(loss.item()) and self.loss_scale.overflowed(norm.isfinite()):
            self.optimizer.zero_grad()  # without gradients, the optimizer leaves everything as it is
            return math.inf
        what = "" if math.isfinite(norm.item()) else "gradient"
        what = what if math.isfinite(loss.item()) else "loss"
        if what:
            self.optimizer.zero_grad()
            raise Diverged(self.steps_done, what, self._explain(what, loss.item(), lr))
        if norm > self.settings.grad_clip:
            nn.utils.clip_grads_with_norm_(self.weights, self.settings.grad_clip, norm)
        return norm.item()

    def _explain(self, what: str, loss: float, lr: float) -> str:
        found = f"At step {self.steps_done:,} the {what} was no longer a finite number"
        broken = [name for name, weight in self.model.named_parameters() if not weight.isfinite().all()]
        if broken and what == "loss":
            where = f"{len(broken)} of the model's tensors hold" if len(broken) > 1 else f"{broken[0]} holds"
            return (
                f"{found}: {where} values that are not numbers. Most likely the learning rate ({lr:.2g}) was "
                "too large and the weights blew up; a lower one should help."
            )
        return (
            f"{found}. Most likely the learning rate ({lr:.2g}) is too large for this model: each correction "
            "overshot further than the one before. A lower one should help."
        )

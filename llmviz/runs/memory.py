"""How much memory a run takes at its peak: while it learns, or while it is examined. No torch."""

import math

from llmviz.model.size import WORKSPACE, n_parameters
from llmviz.probes.portion import windows_to_read
from llmviz.settings import RunSettings
from llmviz.training.costs import learning_memory, remembered, training_memory
from llmviz.training.growth import stages

# A diagnosis asks for other sizes than a step: what it gives back is full of gaps that the next step does not
# fit into. Set by the peaks of real runs: a fifth of what varies, and never more than 10 MB.
GAPS, MOST_GAPS = 0.2, 10_000_000


def run_memory(settings: RunSettings, vocab_size: int) -> int:
    """About how many bytes, above a worker that idles."""
    training = training_memory(settings, vocab_size)
    if not settings.training.diagnose_every:
        return training
    gaps = min(GAPS * (training - WORKSPACE), MOST_GAPS)
    return max(training + round(gaps), _examining(settings, vocab_size))


def examined_windows(batch_size: int, accumulation: int) -> int:
    """Of how many windows a diagnosis has the choice. It reads them in two halves, and where a batch is
    learned from in pieces memory is short: so none is larger than a piece."""
    return min(batch_size, 2 * math.ceil(batch_size / accumulation))


def _examining(settings: RunSettings, vocab_size: int) -> int:
    """A diagnosis works on half a batch, and holds the gradients of the other half as well."""
    training = settings.training
    kept = remembered(settings, vocab_size) + n_parameters(settings.model, vocab_size)
    peaks = []
    for stage in stages(settings):
        windows = windows_to_read(examined_windows(stage.batch_size, training.accumulation), stage.block_size)
        model = settings.model.model_copy(update={"block_size": stage.block_size, "dropout": 0.0})
        peaks.append(learning_memory(model, vocab_size, math.ceil(windows / 2), kept, training))
    return max(peaks)

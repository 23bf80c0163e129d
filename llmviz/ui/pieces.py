"""Which lines of this program belong to which panel, whatever model is in view. Those that differ from model
to model are in `modelpieces.py`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Piece:
    """A function, class, method or constant that is worth reading, and why."""

    file: str  # from the repository's root
    name: str  # qualified: "Trainer.step"
    says: str  # one sentence


NEXT_TOKEN = Piece(
    "llmviz/generation/sampling.py",
    "_next_token",
    "One token: the scores, what is allowed of them, the dice.",
)
FILTERS = Piece(
    "llmviz/generation/filters.py", "filter_logits", "Temperature, top-k and top-p, in this order."
)
GENERATE = Piece(
    "llmviz/generation/sampling.py", "generate", "Guess a token, add it to the text, read the whole again."
)
ALWAYS: dict[str, tuple[Piece, ...]] = {
    "chart": (
        Piece(
            "llmviz/training/trainer.py",
            "Trainer.step",
            "One step. A point of the training line is one, later on the mean of several.",
        ),
        Piece(
            "llmviz/training/objectives.py",
            "next_token_objective",
            "The loss: surprise at the true next token.",
        ),
        Piece(
            "llmviz/training/schedule.py",
            "learning_rate_at",
            "How far a step goes: up a ramp, and down again.",
        ),
        Piece("llmviz/evaluation/loss.py", "evaluate", "The validation line: text that is not learned from."),
        Piece("llmviz/evaluation/loss.py", "_score", "The surprise in one batch of that text."),
    ),
    "health": (
        Piece("llmviz/probes/diagnostics.py", "diagnose", "One examination: a batch, read half by half."),
        Piece("llmviz/probes/diagnostics.py", "_read_half", "Forward and backward, without leaving a trace."),
        Piece("llmviz/probes/diagnostics.py", "_mean_and_noise", "How much of a gradient is chance."),
        Piece("llmviz/probes/diagnostics.py", "_dead_units", "Units that no token has heard from."),
        Piece("llmviz/probes/diagnostics.py", "attention_entropy", "How widely each head looks around."),
        Piece("llmviz/probes/diagnostics.py", "WeightSample", "How far a step moves the weights."),
        Piece("llmviz/probes/readings.py", "_uneven", "One of the readings: numbers become a sentence."),
    ),
    "diagram": (
        Piece("llmviz/model/diagram.py", "_Parts.before", "From tokens to the start of the stream."),
        Piece("llmviz/model/diagram.py", "_Parts.block", "A block: two halves, each added to the stream."),
        Piece("llmviz/model/diagram.py", "_Parts.attention", "What attention is made of, and costs."),
        Piece("llmviz/model/diagram.py", "_Parts.mlp", "What the MLP is made of."),
        Piece("llmviz/model/size.py", "n_parameters", "The same count for the model as a whole."),
        Piece("llmviz/model/size.py", "flops_per_token", "And its operations."),
    ),
    "film": (
        Piece("llmviz/runs/film.py", "is_film_step", "Which steps have a row of their own."),
        Piece(
            "llmviz/runs/film.py", "write_sample", "A row: the same beginning and the same dice each time."
        ),
        GENERATE,
        NEXT_TOKEN,
        FILTERS,
    ),
    "tokens": (
        Piece(
            "llmviz/text/tokenizers/chars.py", "CharTokenizer.encode", "Letters: a number for each character."
        ),
        Piece(
            "llmviz/text/tokenizers/bytes.py", "ByteTokenizer.encode", "Bytes: the numbers are there already."
        ),
        Piece("llmviz/text/tokenizers/words.py", "WORD", "Byte-pair tokens, first: cut the text into words."),
        Piece(
            "llmviz/text/tokenizers/bpe_merging.py",
            "merge_word",
            "Then, in each word, join what was learned.",
        ),
        Piece(
            "llmviz/text/tokenizers/bpe_training.py",
            "train_merges",
            "How that was learned: join the most frequent neighbours, again and again.",
        ),
    ),
}

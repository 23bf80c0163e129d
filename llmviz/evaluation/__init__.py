"""How good is the model? Loss, perplexity, bits per byte and the share of right first guesses.

Defined once, here, for the training curve, the terminal and the passport. Names are fetched at first use,
because they need torch (PEP 562).
"""

from llmviz import fetched_at_first_use

__all__, __getattr__, __dir__ = fetched_at_first_use(
    __name__,
    {
        "Evaluation": "loss",
        "evaluate": "loss",
        "first_guess_is_right": "loss",
        "token_byte_lengths": "loss",
        "windows_to_visit": "loss",
    },
)

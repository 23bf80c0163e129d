"""What each optimizer usually wants where a recipe was made for AdamW, as all presets and defaults are.

How long a step is means something else to each of them. With what stands here Spark came to validation losses
of 0.805 (AdamW), 0.803 (Lion) and 0.838 (SGD), and Small to 0.507, 0.505 and 0.521, one seed each. A decay of
0.1, right for AdamW, SGD adds to the gradient, where it drowns what is to be learned: with it Spark ended at
2.23 or above at every rate from 0.006 to 0.4, no better than a table of pairs of letters.
"""

from typing import get_args

from llmviz.settings.run import RunSettings
from llmviz.settings.training import OptimizerName

LION_SHARE = 1 / 3  # of AdamW's rate, as Lion moves every weight by all of it
SGD_RATE, SGD_DECAY = 0.2, 0.0
OPTIMIZERS: tuple[str, ...] = get_args(OptimizerName)
BROUGHT_ALONG = ("learning_rate", "weight_decay")


def usual_settings(optimizer: str, recipe: RunSettings) -> dict[str, float]:
    """{setting: value} for this optimizer instead of the recipe's AdamW; {} if there is no such optimizer."""
    training = recipe.training
    rate, decay = training.learning_rate, training.weight_decay
    if optimizer == "sgd":
        rate, decay = SGD_RATE, SGD_DECAY
    elif optimizer == "lion":
        rate = float(f"{rate * LION_SHARE:.2g}")
    elif optimizer not in OPTIMIZERS:
        return {}
    return dict(zip(BROUGHT_ALONG, (rate, decay), strict=True))

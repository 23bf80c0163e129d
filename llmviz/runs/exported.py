"""A run's model as a folder for `transformers`, with its card. torch inside the function."""

from pathlib import Path

from llmviz.model.hub import marks_for
from llmviz.runs.card import model_card
from llmviz.runs.opened import OpenedModel


def export_run(opened: OpenedModel, folder: Path) -> None:
    """Write the folder. Raises ForeignModelError where `transformers` has no such model."""
    from llmviz.model.export import export_model

    n_parameters = sum(weight.numel() for weight in opened.model.parameters())
    card = model_card(opened.run, opened.step, n_parameters)
    marks = marks_for(opened.tokenizer, opened.run.run().get("source"))
    export_model(opened.model, opened.tokenizer, folder, card, marks)

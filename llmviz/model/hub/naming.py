"""What a model on the Hub is called: owner/name and nothing else. Never a path, an address or a version."""

import re

from llmviz.model.hub.errors import ForeignModelError

_PART = r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?"
_NAME = re.compile(f"{_PART}/{_PART}")
LONGEST = 193  # two parts of 96 letters and the slash


def is_hub_name(text: object) -> bool:
    """Whether this could be a model's name on the Hub, by its rules for repositories."""
    if not isinstance(text, str) or len(text) > LONGEST or not _NAME.fullmatch(text):
        return False
    return ".." not in text and "--" not in text and not text.endswith(".git")


def hub_name(text: object) -> str:
    """The name, if it is one; spaces around it are forgiven. Raises ForeignModelError."""
    name = text.strip() if isinstance(text, str) else text
    if not is_hub_name(name):
        raise ForeignModelError(
            "A model on the Hub is named by its owner and its name, as in openai-community/gpt2."
        )
    return str(name)

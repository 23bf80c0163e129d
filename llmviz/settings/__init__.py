"""Every hyperparameter, once: its type, bounds, default, label, help and chapter.

From here come the form on the page, the flags of the terminal, the permalink, the messages about bad
input and the docs. This room imports nothing of the others and no torch.
"""

from llmviz.settings.base import Room, about, bound, setting
from llmviz.settings.data import DataSettings
from llmviz.settings.model import ModelSettings
from llmviz.settings.optimizers import usual_settings
from llmviz.settings.presets import PRESETS, Preset
from llmviz.settings.run import (
    FIELDS,
    ROOMS,
    RunSettings,
    SettingsError,
    conflicts,
    counted,
    parse_settings,
    shown,
)
from llmviz.settings.sampling import SamplingSettings
from llmviz.settings.training import TrainingSettings

__all__ = [
    "FIELDS",
    "PRESETS",
    "ROOMS",
    "DataSettings",
    "ModelSettings",
    "Preset",
    "Room",
    "RunSettings",
    "SamplingSettings",
    "SettingsError",
    "TrainingSettings",
    "about",
    "bound",
    "conflicts",
    "counted",
    "parse_settings",
    "setting",
    "shown",
    "usual_settings",
]

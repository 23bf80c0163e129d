"""LLMViz: train a small GPT live in the browser and look inside it at every step.

The rooms follow the book: `text` (data and tokens), `model` (attention and the GPT), `generation`,
`evaluation`, `training`, `probes` (what the pictures need), `runs` (who trains when) and `ui` (the page).
Imports point one way: ui → runs → {training, probes} → {evaluation, generation} → model → text → settings.
"""

__version__ = "0.1.0"

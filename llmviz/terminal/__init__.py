"""The terminal: what the page does, as commands. `python -m llmviz --help` lists them.

One file a command; `flags.py` makes the flags out of the settings, `models.py` finds the model that is meant,
`mistakes.py` is how a command says in one sentence what is wrong. Nothing here imports torch before a command
needs it: help and bad arguments answer at once.
"""

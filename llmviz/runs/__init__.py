"""Runs: the run directory, who trains when, and what becomes of a run that is paused, killed or resumed.

`directory.py` and `records.py` are the contract between those who train and those who look; `slices.py`
trains a run for a while; `inline.py` does so in this process, `host.py` in workers of their own. Everything
the server uses is free of torch, and names are fetched at first use.
"""

from llmviz import fetched_at_first_use

__all__, __getattr__, __dir__ = fetched_at_first_use(
    __name__,
    {
        "RunBusy": "directory",
        "RunDirectory": "directory",
        "RunError": "directory",
        "create_run": "directory",
        "create_run_at": "directory",
        "fold": "records",
        "metrics_csv": "records",
        "metrics_frame": "records",
        "read_records": "records",
        "Host": "host",
        "Refused": "host",
        "run_inline": "inline",
        "last_good": "retry",
        "retry_run": "retry",
        "Session": "session",
        "Budget": "slices",
        "SliceResult": "slices",
        "train_slice": "slices",
    },
)

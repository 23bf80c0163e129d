"""`train --depth N`: one number, from which size and training are derived, each with its reason."""

import argparse
import sys
from typing import Any

from llmviz.settings import RunSettings, SettingsError, parse_settings
from llmviz.settings.derive import DEEPEST, Derived, derived_from_depth
from llmviz.terminal.flags import flag
from llmviz.terminal.output import print_json


def add_depth_flag(parser: argparse.ArgumentParser) -> None:
    """Beside the flags of the settings: this one fills in several of them."""
    parser.add_argument(
        "--depth",
        default=argparse.SUPPRESS,
        metavar="N",
        help=f"one dial, 1 to {DEEPEST}: so many layers, and width, heads, batch, learning rate, steps and "
        "warmup derived from it (with µP, Lion or SGD the rate that these want). What each comes to, and "
        "why, is said at the start; the flags of the settings override it, and the rest then follows them",
    )


def settings_by_dial(depth: str, given: dict[str, Any], base: RunSettings) -> dict[str, Derived]:
    """What `--depth` derives beside the settings that are given. Raises ValueError in a sentence."""
    if not depth.isdecimal() or len(depth) > 9:
        raise ValueError(f"--depth takes a whole number from 1 to {DEEPEST}, and “{depth[:40]}” is none.")
    try:
        settings = parse_settings(given, base)
    except SettingsError as error:  # told when everything is checked, with what is derived here
        settings = error.usable or base
    return derived_from_depth(int(depth), settings, given)


def tell_derived(derived: dict[str, Derived], as_json: bool) -> None:
    """Say what was derived: for programs with the other records, for people on stderr."""
    if as_json:
        settings = {name: {"value": found.value, "reason": found.reason} for name, found in derived.items()}
        print_json({"kind": "derived", "settings": settings})
        return
    print("Derived from --depth; the flag in front overrides each:", file=sys.stderr)
    for name, found in derived.items():
        print(f"  {flag(name)}: {found.reason}", file=sys.stderr)

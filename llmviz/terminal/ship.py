"""python -m llmviz ship: make a shipped model anew, from its recipe to its packed directory."""

import argparse

NAME = "ship"
HELP = "reproduce a model that ships with LLMViz"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The model's name and where it goes."""
    parser.add_argument("name", metavar="NAME", help="story-gpt")
    parser.add_argument("--out", required=True, metavar="DIR", help="the folder to make")


def run(options: argparse.Namespace) -> int:
    return 0

"""The README says nothing that does not work."""

import argparse
import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def commands() -> list[str]:
    return [line for block in blocks("bash") for line in block.splitlines() if "llmviz" in line]


def shown_help(parser: argparse.ArgumentParser, command: str) -> str:
    with pytest.raises(SystemExit), contextlib.redirect_stdout(io.StringIO()) as shown:
        parser.parse_args([command, "--help"])
    return shown.getvalue()


def run(arguments: list[str], folder: Path) -> str:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, (arguments, done.stderr)
    return done.stdout


@pytest.mark.slow
def test_the_pipeline_from_python_runs_and_learns(tmp_path):
    (code,) = blocks("python")
    loss = float(re.search(r"loss ([\d.]+)", run(["-c", code], tmp_path))[1])
    assert loss < 3  # a blind guess among 512 is 6.2


@pytest.mark.slow
def test_the_terminal_examples_run(tmp_path):
    (tmp_path / "README.md").write_text(README, encoding="utf-8")
    (tmp_path / "out").mkdir()
    for command in commands():
        program, *arguments = shlex.split(command)
        assert program == "python"
        if "ship" not in arguments:  # takes minutes; its packing is tested by itself
            run(arguments, tmp_path)


def test_every_terminal_example_names_a_command_that_exists():
    from llmviz.terminal.main import build_parser

    for command in commands():
        assert build_parser().parse_args(shlex.split(command)[3:]).run


def test_commands_within_sentences_exist_with_their_flags():
    """`python -m llmviz export MODEL --out DIR` and its like, and flags that are named by themselves."""
    from llmviz.terminal.main import COMMANDS, build_parser

    helps = {command.NAME: shown_help(build_parser(), command.NAME) for command in COMMANDS}
    flags_alone = {f"`{flag}`" for flag in re.findall(r"`(--[a-z-]+)[ `]", README)}
    of_the_app = {"`--port`", "`--host`", "`--data-dir`"}
    everything = "".join(helps.values())
    assert [flag for flag in sorted(flags_alone - of_the_app) if flag.strip("`") not in everything] == []
    inline = re.findall(r"`(?:python -m )?llmviz ([^`]+)`", README.replace("\n", " "))
    assert len(inline) > 4
    for command in inline:
        name, *words = command.split()
        if name != "--help":
            assert name in helps, command
            assert [word for word in words if word.startswith("--") and word not in helps[name]] == [], (
                command
            )


def test_every_file_that_is_named_exists():
    named = set(re.findall(r"(?:tests|assets)/[\w/.-]+\w", README))
    assert len(named) > 5
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


def test_the_front_matter_is_what_a_space_needs():
    front = README.split("---")[1]
    fields = dict(re.findall(r'^(\w+): "?([^"\n]*)"?$', front, re.MULTILINE))
    assert fields["sdk"] == "gradio"
    assert f"gradio=={fields['sdk_version']}\n" in (ROOT / "requirements.txt").read_text()
    assert (ROOT / fields["app_file"]).exists()
    assert len(fields["short_description"]) <= 60
    assert fields["license"] == "mit"


def test_continuous_integration_runs_the_readmes_test_command():
    (test_command,) = (block.strip() for block in blocks("bash") if "pytest" in block)
    install, test = test_command.split(" && ")
    script = (ROOT / ".ci" / "run").read_text()
    assert re.search(rf"^{install.replace('install', 'install -q')}$", script, re.MULTILINE)
    assert f"\n{test}\n" in script

"""What the terminal's tests share: a way to call commands, and one tiny run that all of them look at."""

import pytest

from llmviz.terminal.main import main

# Small enough to train in a second, and bit for bit the same every time.
TINY = {
    "--data": "dinosaurs",
    "--corpus-chars": "3000",
    "--architecture": "modern",
    "--n-layer": "1",
    "--n-head": "2",
    "--n-embd": "16",
    "--block-size": "16",
    "--batch-size": "4",
    "--eval-interval": "10",
    "--eval-windows": "4",
    "--max-new-tokens": "12",
    "--threads": "1",
}
TINY_FLAGS = [word for flag in TINY.items() for word in flag]


class Result:
    """What a command printed and returned."""

    def __init__(self, status: int, out: str, err: str) -> None:
        self.status, self.out, self.err = status, out, err


@pytest.fixture
def command(capsys):
    """Call a command in this process: `command("sample", folder)` → Result."""

    def call(*arguments) -> Result:
        capsys.readouterr()
        try:
            status = main([str(argument) for argument in arguments])
        except SystemExit as ended:  # argparse's way to end
            status = ended.code
        return Result(status, *capsys.readouterr())

    return call


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory):
    """A finished run of 24 steps; nobody may change it."""
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    assert main(["train", *TINY_FLAGS, "--max-steps", "24", "--out", str(folder)]) == 0
    return folder


@pytest.fixture(scope="session")
def tiny():
    """The flags of a tiny training, to which the rest is added."""
    return TINY_FLAGS

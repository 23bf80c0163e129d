"""Every setting is a flag, and what needs no torch does not wait for it."""

import subprocess
import sys

import pytest

from llmviz.settings import FIELDS, about
from llmviz.terminal.flags import flag, given_settings
from llmviz.terminal.main import build_parser
from llmviz.terminal.plan import plan_training

FLAGS = [name for name, (_, field) in FIELDS.items() if not about(field, "derived")]


def explained_flags(capsys) -> str:
    with pytest.raises(SystemExit):
        build_parser().parse_args(["train", "--help"])
    return " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("name", FLAGS)
def test_every_setting_is_a_flag_of_train_with_its_help(name, capsys):
    field = FIELDS[name][1]
    shown = explained_flags(capsys)
    assert flag(name) in shown
    if name not in {"corpus", "tokenizer"}:  # these two also take a file, so their help is their own
        assert field.description in shown
        options = build_parser().parse_args(["train", "--out", "x", f"{flag(name)}=7"])
        assert given_settings(options) == {name: "7"}


def test_a_flag_that_is_not_used_leaves_no_trace():
    assert given_settings(build_parser().parse_args(["train", "--out", "x"])) == {}


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["train", "--help"],
        ["train", "--n-layer", "0", "--out", "x"],
        ["train", "--data", "nowhere.txt", "--out", "x"],
        ["sample", "nowhere"],
        ["tokenize", "hello 😊", "--tokenizer", "bytes"],
    ],
)
def test_torch_is_not_imported_for(arguments, tmp_path):
    code = (
        "import sys\nfrom llmviz.terminal.main import main\n"
        f"try:\n    main({arguments!r})\nexcept SystemExit:\n    pass\nsys.exit('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == 0


def test_train_tokenizer_does_without_torch(tmp_path):
    (tmp_path / "text.txt").write_text("low low lower lowest " * 50)
    arguments = [
        "train-tokenizer",
        str(tmp_path / "text.txt"),
        "--vocab-size",
        "260",
        "--out",
        str(tmp_path / "t.json"),
    ]
    code = (
        "import sys\nfrom llmviz.terminal.main import main\n"
        f"sys.exit(main({arguments!r}) or 'torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0
    assert (tmp_path / "t.json").exists()


@pytest.mark.parametrize(
    ("flags", "rate", "decay"),
    [
        (["--optimizer", "sgd"], 0.2, 0.0),
        (["--optimizer", "lion"], 2e-3, 0.1),
        (["--optimizer", "muon"], 6e-3, 0.1),
        (["--optimizer", "sgd", "--learning-rate", "0.05"], 0.05, 0.0),
        (["--optimizer", "sgd", "--weight-decay", "0.01", "--depth", "2"], 0.2, 0.01),
        (["--optimizer", "lion", "--depth", "4"], 1.3e-3, 0.1),
        ([], 6e-3, 0.1),
    ],
)
def test_an_optimizer_brings_its_usual_rate_unless_another_is_given(flags, rate, decay):
    options = build_parser().parse_args(["train", "--out", "x", "--preset", "spark", *flags])
    training = plan_training(options).settings.training
    assert (training.learning_rate, training.weight_decay) == (rate, decay)

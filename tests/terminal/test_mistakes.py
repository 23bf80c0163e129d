"""Bad input gets one plain sentence on stderr, exit status 2, and nothing on stdout; never a traceback."""

import pytest


@pytest.fixture
def files(tmp_path):
    (tmp_path / "binary").write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00\xff\xfe")
    (tmp_path / "zeros").write_bytes(b"text\0text")
    (tmp_path / "empty").write_text("")
    (tmp_path / "one-letter").write_text("a" * 1000)
    (tmp_path / "short").write_text("hello")
    (tmp_path / "text").write_text("some text to learn from\n" * 20)
    (tmp_path / "no-tokenizer.json").write_text('{"model": 3}')
    (tmp_path / "folder").mkdir()
    return tmp_path


TRAINING = {
    "nowhere.txt": ["--data", "nowhere.txt"],
    "“nowhere.json”": ["--tokenizer", "nowhere.json"],
    "not plain text": ["--data", "{}/binary"],
    "zero bytes": ["--data", "{}/zeros"],
    "is empty": ["--data", "{}/empty"],
    "single character": ["--data", "{}/one-letter"],
    "too short": ["--data", "{}/short"],
    "not a file": ["--data", "{}/folder"],
    "tokenizer": ["--tokenizer", "{}/no-tokenizer.json"],
    "Context cannot be “0”": ["--block-size", "0"],
    "Layers cannot be “1000000000”": ["--n-layer", "1000000000"],
    "Learning rate cannot be “nan”": ["--learning-rate", "nan"],
    "3 heads": ["--n-embd", "128", "--n-head", "3"],
    "choose 'gpt2', 'modern'": ["--architecture", "rnn"],
    "huge": ["--preset", "huge"],
    "GB of memory": ["--n-layer", "48", "--n-embd", "4096", "--block-size", "2048", "--batch-size", "4096"],
    "--steps": ["--steps", "5"],
    "from 1 to 12, and “deep” is none": ["--depth", "deep"],
    "and 13 is not between them": ["--depth", "13"],
    "it has no depth": ["--depth", "3", "--architecture", "bigram"],
    "expected one argument": ["--max-steps"],
}


@pytest.mark.parametrize("part", TRAINING)
def test_train(command, files, part):
    out = files / "run"
    result = command("train", *(argument.format(files) for argument in TRAINING[part]), "--out", out)
    assert (result.status, result.out) == (2, "")
    assert len(result.err.splitlines()) == 1
    assert part in result.err
    assert not out.exists()


def test_every_mistake_gets_its_own_sentence(command, tmp_path):
    result = command(
        "train", "--block-size", 0, "--n-layer", "x", "--learning-rate", -1, "--out", tmp_path / "run"
    )
    assert len(result.err.splitlines()) == 3


def test_a_wrong_depth_is_said_along_with_the_rest(command, tmp_path):
    result = command("train", "--depth", 0, "--block-size", 0, "--n-kv-head", 3, "--out", tmp_path / "run")
    assert len(result.err.splitlines()) == 3


def test_what_the_machine_cannot_do_is_said_along_with_the_rest(command, tmp_path):
    large = ("--n-layer", 48, "--n-embd", 4096, "--batch-size", 4096)
    result = command("train", "--dropout", 2, *large, "--threads", 250, "--out", tmp_path / "run")
    assert [part in result.err for part in ("Dropout", "GB of memory", "250 threads")] == [True] * 3
    assert len(result.err.splitlines()) == 3


def test_out_is_a_file(command, files):
    result = command("train", "--out", files / "text")
    assert result.status == 2
    assert "is a file" in result.err


def test_out_cannot_be_made(command, files):
    result = command("train", "--data", files / "text", "--block-size", 8, "--out", files / "text" / "run")
    assert result.status == 2
    assert result.err.count("\n") == 1


@pytest.mark.parametrize("kind", ["sample", "evaluate", "probe"])
@pytest.mark.parametrize(
    ("model", "part"),
    [
        ("nowhere", "no run directory or shipped model called"),
        ("../../nowhere", "no run directory or shipped model called"),
        ("{files}", "is not a run directory"),
        ("{run}@23", "no weights of step 23; there are those of 0, 1, 2, 4"),
        ("{run}@last", "“last” is not a step"),
        ("", "no run directory or shipped model called"),
    ],
)
def test_model(command, files, tiny_run, kind, model, part):
    words = {"sample": ["sample"], "evaluate": ["evaluate"], "probe": ["probe", "attention"]}[kind]
    more = ["--prompt", "tri"] if kind == "probe" else []
    result = command(*words, model.format(files=files, run=tiny_run), *more)
    assert (result.status, result.out) == (2, "")
    assert part in result.err
    assert result.err.count("\n") == 1


@pytest.mark.parametrize("kind", [["sample"], ["probe", "attention"]])
@pytest.mark.parametrize(("prompt", "part"), [("tri=ops", "'=' (U+003D"), ("trié", "'é' (U+00E9")])
def test_a_character_the_model_never_saw_is_named(command, tiny_run, kind, prompt, part):
    result = command(*kind, tiny_run, f"--prompt={prompt}")
    assert result.status == 2
    assert part in result.err


def test_maps_that_would_fill_the_memory_are_refused(command, tiny_run, monkeypatch):
    monkeypatch.setattr("llmviz.terminal.probe.MOST_WEIGHTS", 2 * 6 * 6)
    assert command("probe", "attention", tiny_run, "--prompt", "tritri").status == 0
    result = command("probe", "attention", tiny_run, "--prompt", "tritrit", "--json")
    assert (result.status, result.out) == (2, "")
    assert result.err == (
        "The maps of 7 tokens in 2 heads would be 98 numbers: give a prompt of at most 6 tokens.\n"
    )
    assert command("probe", "attention", tiny_run, "--prompt", "tri" * 20).err.startswith("The maps of 16 ")


def test_what_is_not_text_is_refused(command, tiny_run):
    assert command("probe", "attention", tiny_run, "--prompt=\udcff").err.count("\n") == 1
    assert command("sample", tiny_run, "--prompt=\udcff").status == 2


def test_a_prompt_may_hold_an_equals_sign(command, files, tmp_path):
    (tmp_path / "sums").write_text("1+1=2\n2+2=4\n" * 200)
    out = tmp_path / "sums-run"
    flags = ["--n-layer", 1, "--n-head", 1, "--n-embd", 8, "--block-size", 8, "--max-steps", 3]
    assert command("train", "--data", tmp_path / "sums", *flags, "--out", out).status == 0
    for flag in (["--prompt", "1+1="], ["--prompt=1+1="]):
        assert command("sample", out, *flag, "--max-new-tokens", 3).out.startswith("1+1=")


@pytest.mark.parametrize(
    "arguments",
    [
        ["sample", "{run}", "--temperature", "-1"],
        ["sample", "{run}", "--top-p", "0"],
        ["sample", "{run}", "--top-k", "many"],
        ["sample", "{run}", "--max-new-tokens", "0"],
        ["sample", "{run}", "--prompt", "x" * 3000],
        ["sample", "{run}", "--prompt"],
        ["sample"],
        ["probe", "attention", "{run}", "--prompt", ""],
        ["probe", "lens", "{run}", "--prompt", "tri"],
        ["probe", "attention", "{run}"],
        ["evaluate", "{run}", "--data", "{files}/nowhere"],
        ["evaluate", "{run}", "--data", "{files}/binary"],
        ["evaluate", "{run}", "--data", "{files}/empty"],
        ["tokenize", "hello", "--tokenizer", "nowhere"],
        ["tokenize", "hello", "--tokenizer", "{files}/text"],
        ["tokenize", "Hello", "--tokenizer", "{run}"],
        ["tokenize", "", "--tokenizer", "chars"],
        ["train-tokenizer", "{files}/nowhere", "--out", "{files}/t.json"],
        ["train-tokenizer", "{files}/empty", "--out", "{files}/t.json"],
        ["train-tokenizer", "{files}/text", "--vocab-size", "3", "--out", "{files}/t.json"],
        ["train-tokenizer", "{files}/text", "--out", "{files}/nowhere/t.json"],
        ["train-tokenizer", "{files}/text", "--out", "{files}/folder"],
        ["train-tokenizer", "{files}/text", "--kind", "words", "--out", "{files}/t.json"],
        ["ship", "nothing", "--out", "{files}/x"],
        ["ship", "story-gpt", "--out", "{files}"],
        ["import", "somewhere"],
        [],
    ],
)
def test_the_rest(command, files, tiny_run, arguments):
    result = command(*(argument.format(run=tiny_run, files=files) for argument in arguments))
    assert (result.status, result.out) == (2, "")
    assert result.err.count("\n") == 1
    assert "Traceback" not in result.err


def test_damaged_weights(command, tiny_run, tmp_path):
    import shutil

    copy = shutil.copytree(tiny_run, tmp_path / "copy")
    path = copy / "snapshots" / "step-000024.safetensors"
    path.write_bytes(path.read_bytes()[:1000])
    (copy / "checkpoint" / "step-000024.safetensors").unlink()
    result = command("sample", copy)
    assert result.status == 2
    assert "not a whole safetensors file" in result.err


def test_a_run_from_another_version(command, tiny_run, tmp_path):
    import shutil

    copy = shutil.copytree(tiny_run, tmp_path / "copy")
    (copy / "run.json").write_text('{"format": 99}')
    assert "another version" in command("sample", copy).err
    (copy / "run.json").write_text("{")
    result = command("sample", copy)
    assert (result.status, result.err.count("\n")) == (2, 1)


def test_a_folder_of_the_readers_is_left_as_it_was(command, files):
    (files / "data").mkdir()
    (files / "data" / "mine.txt").write_text("mine")
    before = sorted(files.rglob("*"))
    assert command("train", "--data", files / "short", "--out", files).status == 2
    assert sorted(files.rglob("*")) == before

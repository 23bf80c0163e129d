"""Show me the code: what is named exists, is what runs, and is all that can be read."""

import ast
import inspect
import sys
import textwrap
from importlib import import_module
from pathlib import Path

import httpx
import pytest

from llmviz.runs import Refused
from llmviz.settings import ModelSettings, parse_settings
from llmviz.ui.code import PANELS, ROOT, code_of, coloured, pieces_of, read_piece
from llmviz.ui.liveshapes import sizes_of, with_numbers


def text_of(piece: dict) -> str:
    return "".join(text for kind, text in piece["parts"] if kind != "shape")


MODELS = {
    "gpt2": {},
    "modern": {"architecture": "modern"},
    "bigram": {"architecture": "bigram"},
    "llama": {"architecture": "llama", "n_kv_head": 2, "rope_scaling": "llama3", "rope_factor": 8.0}
    | {"rope_low": 1.0, "rope_high": 4.0, "rope_original": 16},
    "linear": {"architecture": "llama", "rope_scaling": "linear", "rope_factor": 2.0, "qk_norm": "on"},
    "transformer": {"architecture": "transformer"},
    "alibi": {"positions": "alibi", "norm": "plain-rmsnorm", "activation": "relu2"},
    "window": {"positions": "none", "window": 4, "activation": "swiglu", "norm_place": "post"},
    "alibi through a window": {"positions": "alibi", "window": 4, "n_kv_head": 1},
    "mup": {"init": "mup", "tied": "off", "soft_cap": 9.0},
    "shortcuts": {"x0_shortcut": True, "value_embeddings": True, "smear": True}
    | {"bigram_embeddings": True, "ngram_embeddings": 3},
}


def model_of(name: str) -> ModelSettings:
    shape = {"n_layer": 2, "n_head": 4, "n_embd": 32, "block_size": 12} if name != "bigram" else {}
    return parse_settings(shape | MODELS[name]).model


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("panel", PANELS)
def test_every_piece_exists_and_is_the_code_that_runs(panel, name):
    pieces = code_of(panel, model_of(name))
    assert len({(piece["file"], piece["name"]) for piece in pieces}) == len(pieces)
    for piece in pieces:
        running = import_module(piece["file"].removesuffix(".py").replace("/", "."))
        for part in piece["name"].split("."):
            running = getattr(running, part)
        if inspect.isroutine(running) or inspect.isclass(running):
            lines, first = inspect.getsourcelines(running)
            assert piece["line"] == first
            assert text_of(piece) == textwrap.dedent("".join(lines)).rstrip()


# What runs as well and is not shown: products and calls that only pass on, parts that change nothing, and
# what comes after the last map.
NOT_SHOWN = {
    *("linear", "Linear.forward", "_on_plain_cpu", "GPT.forward_with_attention", "GPT.told"),
    *("VariantGPT.told", "CausalSelfAttention.dropout_now", "CausalView.with_weights", "Unchanged.forward"),
    *("GPT2.unembed", "ModernGPT.unembed", "VariantGPT.unembed", "Bigram.unembed", "TiedHead.forward"),
    *("SoftCap.forward", "distances"),
}


def functions_run(work) -> set[tuple[str, str]]:
    """{(file, qualified name)} of the functions of llmviz/model that run while `work` does."""
    found = set()

    def note(frame, event, _):
        path, name = frame.f_code.co_filename, frame.f_code.co_qualname
        if event == "call" and path.startswith(str(ROOT / "llmviz/model")) and "<" not in name:
            found.add((Path(path).relative_to(ROOT).as_posix(), name))

    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
    return found


@pytest.mark.parametrize("name", MODELS)
def test_the_attention_panel_shows_what_computed_its_maps_and_nothing_else(name):
    """A model is followed at work: each function that ran is shown, and no other."""
    torch = pytest.importorskip("torch")
    from llmviz.model import build_gpt

    settings = model_of(name)
    built = []
    while_made = functions_run(lambda: built.append(build_gpt(settings, 9, 0).eval()))
    while_read = functions_run(lambda: built[0].forward_with_attention(torch.zeros(1, 5, dtype=torch.long)))
    shown = {(piece.file, piece.name) for piece in pieces_of("attention", settings)}
    assert {name for _, name in while_read - shown} <= NOT_SHOWN
    assert shown <= while_read | while_made
    assert shown


def test_models_of_other_parts_are_shown_by_other_lines():
    def names(model: str) -> set[str]:
        return {piece.name for piece in pieces_of("attention", model_of(model))}

    assert "attention_with_weights" in names("gpt2") & names("modern") & names("llama")
    assert "PricedView.with_weights" in names("alibi") & names("window")
    assert "attention_with_weights" not in names("alibi") | names("window")
    assert "alibi_slopes" in names("alibi") - names("window")
    assert "PostNormBlock.forward_with_intermediates" in names("transformer") - names("gpt2")
    assert "_slowed_where_slow" in names("llama") - names("linear")


def test_shapes_come_with_the_numbers_of_the_model_in_view():
    model = model_of("llama")
    sizes = sizes_of(model, tokens=7, vocab_size=65)
    shown = {
        piece["name"]: "".join(text for _, text in piece["parts"])
        for piece in code_of("attention", model, sizes)
    }
    assert "(B, H, T, T) = (1, 4, 7, 7)" in shown["attention_with_weights"]
    assert "(B, K, T, D) = (1, 2, 7, 8) → (B, H, T, D) = (1, 4, 7, 8)" in shown["Share.forward"]
    assert "(B, T, C) = (1, 7, 32)" in shown["VariantGPT.embed"]
    alibi = model_of("alibi")  # its table is that of the whole context, whatever is read
    (table,) = [piece for piece in code_of("attention", alibi, sizes) if piece["name"] == "alibi"]
    assert ("shape", " = (4, 12, 12)") in table["parts"]
    assert "(D/2,)" in shown["rope_speeds"] and "(D/2,) = (4,)" in shown["rope_speeds"]
    for piece in code_of("attention", model, sizes):  # and the code itself stays what it is
        assert text_of(piece) == read_piece(ROOT / piece["file"], piece["name"])[1]
    assert sizes_of(model, tokens=500, vocab_size=None)["T"] == model.block_size


@pytest.mark.parametrize(
    ("comment", "expected"),
    [
        ("# (B, T, 4C)", "# (B, T, 4C) = (1, 7, 128)"),
        ("# (…, C) → (…, V).", "# (…, C) = (…, 32) → (…, V)."),  # how many tokens it knows is not known yet
        ("# pairs (0, 1), (2, 3)", "# pairs (0, 1), (2, 3)"),
        ("# (Shazeer 2020)", "# (Shazeer 2020)"),
        ("# n_layer of (1, H, T, T)", "# n_layer of (1, H, T, T) = (1, 4, 7, 7)"),
    ],
)
def test_what_is_no_shape_stays_as_it_is(comment, expected):
    sizes = sizes_of(model_of("gpt2"), tokens=7, vocab_size=None)
    assert "".join(text for _, text in with_numbers(comment, sizes)) == expected


@pytest.mark.parametrize("panel", PANELS)
def test_a_piece_is_short_enough_to_read_and_says_why(panel):
    for piece in [piece for name in MODELS for piece in code_of(panel, model_of(name))]:
        assert len(text_of(piece).splitlines()) <= 45, piece["name"]
        assert piece["says"].endswith(".")
        ast.parse(text_of(piece))


def test_every_panel_offers_its_code():
    for name in PANELS:
        source = (ROOT / "assets" / "js" / f"{name}.js").read_text(encoding="utf-8")
        assert f'help(...HELP, "{name}"' in source


@pytest.mark.parametrize("asked", ["nothing", "../ui/routes", ""])
def test_nothing_outside_the_tables_is_read(asked):
    with pytest.raises(Refused) as refused:
        code_of(asked)
    assert refused.value.status == 404
    assert refused.value.sentences[0].endswith(".")


def test_a_renamed_piece_is_noticed():
    with pytest.raises(LookupError, match="no_such_function"):
        read_piece(ROOT / "llmviz" / "generation" / "filters.py", "no_such_function")


def test_comments_docstrings_and_keywords_are_told_apart():
    code = 'def f(x):\n    """Says é."""\n    y = "not a docstring"  # why\n    return y'
    parts = coloured(code)
    assert "".join(text for _, text in parts) == code
    assert [text for kind, text in parts if kind == "quiet"] == ['"""Says é."""', "# why"]
    assert [text for kind, text in parts if kind == "keyword"] == ["def", "return"]


def test_the_route_answers_with_pieces_or_a_sentence(app_server):
    base = f"{app_server.url}/gradio_api/llmviz"
    shipped = next(run for run in httpx.get(f"{base}/runs").json()["runs"] if run["shipped"])
    model = ModelSettings(**{k: v for k, v in shipped["settings"].items() if k in ModelSettings.model_fields})
    asked = {"run": shipped["id"], "tokens": 5}
    pieces = httpx.get(f"{base}/code/attention", params=asked).json()["pieces"]
    assert [piece["name"] for piece in pieces] == [piece.name for piece in pieces_of("attention", model)]
    assert any(kind == "shape" and " 5, " in text for piece in pieces for kind, text in piece["parts"])
    for path in ("nothing", "..%2F..%2Fapp.py", "attention?run=..%2F..%2Fui%2Froutes"):
        answer = httpx.get(f"{base}/code/{path}")
        assert answer.status_code == 404, path
        assert "def " not in answer.text
    assert httpx.get(f"{base}/code/nothing").json()["errors"][0].endswith(".")
    for tokens in ("-1", "x", "9" * 50, "²"):
        answer = httpx.get(f"{base}/code/attention", params=asked | {"tokens": tokens})
        assert not any(kind == "shape" for piece in answer.json()["pieces"] for kind, _ in piece["parts"])

"""Show me the code: what is named exists, is what runs, and is all that can be read."""

import ast
import inspect
import textwrap
from importlib import import_module

import httpx
import pytest

from llmviz.runs import Refused
from llmviz.ui.code import ARCHITECTURES, PANELS, ROOT, code_of, coloured, read_piece


def text_of(piece: dict) -> str:
    return "".join(text for _, text in piece["parts"])


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("panel", PANELS)
def test_every_piece_exists_and_is_the_code_that_runs(panel, architecture):
    pieces = code_of(panel, architecture)
    assert len(pieces) >= len(PANELS[panel]) - 3  # a bigram has no blocks
    for piece in pieces:
        running = import_module(piece["file"].removesuffix(".py").replace("/", "."))
        for part in piece["name"].split("."):
            running = getattr(running, part)
        if inspect.isroutine(running) or inspect.isclass(running):
            lines, first = inspect.getsourcelines(running)
            assert piece["line"] == first
            assert text_of(piece) == textwrap.dedent("".join(lines)).rstrip()


@pytest.mark.parametrize("panel", PANELS)
def test_a_piece_is_short_enough_to_read_and_says_why(panel):
    for piece in code_of(panel):
        assert len(text_of(piece).splitlines()) <= 45, piece["name"]
        assert piece["says"].endswith(".")
        ast.parse(text_of(piece))


def test_every_panel_offers_its_code():
    for name in PANELS:
        source = (ROOT / "assets" / "js" / f"{name}.js").read_text(encoding="utf-8")
        assert f'help(...HELP, "{name}")' in source


def test_the_architecture_in_view_is_the_one_shown():
    shown = {name: {piece["file"] for piece in code_of("attention", name)} for name in ARCHITECTURES}
    for name in ARCHITECTURES:
        assert f"llmviz/model/{name}.py" in shown[name]
    assert "llmviz/model/heads.py" in shown["variant"]
    for name in ARCHITECTURES:
        assert not shown[name] & {f"llmviz/model/{other}.py" for other in ARCHITECTURES if other != name}
    assert code_of("attention") == code_of("attention", ARCHITECTURES[0])


@pytest.mark.parametrize(
    "asked", [("nothing",), ("../ui/routes",), ("chart", "../ui/code"), ("attention", "{architecture}")]
)
def test_nothing_outside_the_table_is_read(asked):
    with pytest.raises(Refused) as refused:
        code_of(*asked)
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
    base = f"{app_server.url}/gradio_api/llmviz/code"
    pieces = httpx.get(f"{base}/attention", params={"architecture": "modern"}).json()["pieces"]
    assert [piece["name"] for piece in pieces] == [piece.name for piece in PANELS["attention"]]
    for path in ("nothing", "..%2F..%2Fapp.py", "chart?architecture=..%2F..%2Fui%2Froutes"):
        answer = httpx.get(f"{base}/{path}")
        assert answer.status_code == 404, path
        assert "def " not in answer.text
    assert httpx.get(f"{base}/nothing").json()["errors"][0].endswith(".")

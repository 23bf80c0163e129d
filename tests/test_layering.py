"""Imports point one way, and the server never meets torch: read from the code, tried in a fresh process."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "llmviz"

# A room may import the rooms after its own entry, and itself.
ALLOWED = {
    "settings": set(),
    "text": {"settings"},
    "model": {"text", "settings"},
    "evaluation": {"model", "text", "settings"},
    "generation": {"model", "text", "settings"},
    "training": {"evaluation", "generation", "model", "text", "settings"},
    "probes": {"evaluation", "generation", "model", "text", "settings"},
    "runs": {"training", "probes", "evaluation", "generation", "model", "text", "settings"},
    "ui": {"runs", "settings", "text"},
    "terminal": {"runs", "training", "probes", "evaluation", "generation", "model", "text", "settings"},
}
# What the page's process loads; all of it must do without torch.
SERVER = [
    "llmviz.ui.serve",
    "llmviz.ui.page",
    "llmviz.ui.routes",
    "llmviz.runs.host",
    "llmviz.text",
    "llmviz.model.size",
]


def imported_rooms(path: Path) -> set[str]:
    """The rooms of llmviz that a file imports, at module level or inside a function."""
    rooms = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} uses a relative import"
            names = [node.module or ""]
        rooms |= {name.split(".")[1] for name in names if name.startswith("llmviz.")}
    return rooms


@pytest.mark.parametrize("room", ALLOWED)
def test_imports_point_one_way(room):
    for path in (PACKAGE / room).rglob("*.py"):
        assert imported_rooms(path) <= ALLOWED[room] | {room}, path


def test_every_room_is_known():
    found = {path.name for path in PACKAGE.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert found == set(ALLOWED)


def test_every_room_says_what_it_is_for():
    for room in ALLOWED:
        assert ast.get_docstring(ast.parse((PACKAGE / room / "__init__.py").read_text(encoding="utf-8"))), (
            room
        )


@pytest.mark.parametrize("module", SERVER)
def test_the_server_never_imports_torch(module):
    code = f"import sys, {module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=PACKAGE.parent, check=False).returncode == 0


def test_app_imports_nothing_at_module_level():
    tree = ast.parse((PACKAGE.parent / "app.py").read_text(encoding="utf-8"))
    assert not [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]


def test_runs_know_nothing_of_the_page():
    for path in (PACKAGE / "runs").rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        imports = [
            ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)
        ]
        assert not [line for line in imports if "gradio" in line], path


def test_nothing_is_unpickled():
    for path in PACKAGE.rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        assert "import pickle" not in source, path
        assert "torch.load(" not in source, path
        assert "allow_pickle=True" not in source, path

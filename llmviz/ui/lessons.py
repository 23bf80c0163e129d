"""The lessons that come with the program: texts of assets/lessons, which the page lays out."""

from pathlib import Path

LESSONS = Path(__file__).parents[2] / "assets" / "lessons"


def lessons() -> list[dict[str, str]]:
    """Of each lesson its name, its title and its text, in Markdown."""
    return [_lesson(path) for path in sorted(LESSONS.glob("*.md"))]


def _lesson(path: Path) -> dict[str, str]:
    title, _, text = path.read_text("utf-8").partition("\n")
    return {"name": path.stem, "title": title.removeprefix("# "), "text": text.strip()}

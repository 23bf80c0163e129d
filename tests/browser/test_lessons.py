"""The lessons are a button away, on every screen, and laid out; nothing of their Markdown is left over."""

import pytest

from llmviz.ui.lessons import LESSONS, lessons
from tests.browser.driving import open_app

pytestmark = pytest.mark.browser


def test_every_lesson_has_a_title_and_a_text():
    assert {lesson["name"] for lesson in lessons()} == {path.stem for path in LESSONS.glob("*.md")}
    assert {"mup", "time-to-loss"} <= {lesson["name"] for lesson in lessons()}
    for lesson in lessons():
        assert lesson["title"] and not lesson["title"].startswith("#")
        assert len(lesson["text"]) > 1000


@pytest.mark.parametrize("size", [(1366, 768), (390, 844)], ids=["wide", "phone"])
def test_they_are_read_in_the_page(page, app_server, size):
    page.set_viewport_size({"width": size[0], "height": size[1]})
    open_app(page, app_server)
    opener = page.get_by_role("button", name="Lessons")
    opener.click()
    text = page.locator(".lv-lesson-text")
    for lesson in lessons():
        page.get_by_role("button", name=lesson["title"]).click()
        text.get_by_role("heading", name=lesson["title"]).wait_for()
        shown = text.inner_text()
        assert not [mark for mark in ("**", "`", "](", "|--", "## ", "\n- ") if mark in shown]
        rows = [line for line in lesson["text"].splitlines() if line.startswith("|")]
        assert text.locator("tr").count() == len(rows) - lesson["text"].count("\n|---")
        assert "".join(lesson["text"].split("    python -m")[1].split("\n")[0].split()) in "".join(
            shown.split()
        )
        for picture in text.locator("img").all():
            page.wait_for_function(
                "image => image.complete && image.naturalWidth > 100", arg=picture.element_handle()
            )
        assert page.evaluate("document.querySelector('.lv-lesson-text').scrollWidth <= innerWidth")
    page.keyboard.press("Escape")
    assert page.locator("dialog[open]").count() == 0
    assert opener.evaluate("button => button === document.activeElement")


def test_a_text_is_text_whatever_is_in_it(page, app_server):
    """The lessons are ours; all the same nothing in them can become an element of its own."""
    open_app(page, app_server)
    found = page.evaluate(
        """async () => {
          const { nodesOf } = await import("/gradio_api/llmviz/assets/js/markdown.js");
          const box = document.createElement("div");
          const evil = "<img src=x onerror=alert(1)>";
          const table = `| a |\\n|---|\\n| ${evil} |`;
          const lines = [`# ${evil}`, `**${evil}**`, table, `- ${evil}`, `    ${evil}`];
          box.append(...nodesOf(`${lines.join("\\n\\n")}\\n\\n![x](http://elsewhere.svg)`, "/"));
          return [box.querySelectorAll("img").length, box.textContent.split(evil).length - 1, box.innerText];
        }"""
    )
    assert found[:2] == [0, 5], found

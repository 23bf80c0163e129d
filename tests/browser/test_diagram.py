"""The diagram of the model follows the form, with the shapes and costs of what would be trained."""

import pytest

from tests.browser.driving import choose, open_app

pytestmark = pytest.mark.browser


def open_diagram(page, app_server):
    open_app(page, app_server)
    page.locator("#lv-toolbar button", has_text="Model").click()
    page.wait_for_selector(".lv-diagram-picture svg text")


def parts(page) -> list[list[str]]:
    """The texts of every part: name, shape, parameters, operations."""
    return page.eval_on_selector_all(
        ".lv-diagram-part", "all => all.map(p => [...p.querySelectorAll('text')].map(t => t.textContent))"
    )


def test_it_follows_the_settings(page, app_server):
    page.set_viewport_size({"width": 1366, "height": 625})
    open_diagram(page, app_server)
    assert ["Token embeddings", "(8, 64, 112)"] in [part[:2] for part in parts(page)]
    page.locator("#lv-toolbar button", has_text="More").click()
    width = page.locator("#lv-set-n_embd input")
    width.fill("224")
    width.press("Tab")
    page.wait_for_function("document.querySelector('.lv-diagram')?.textContent.includes('(8, 64, 224)')")
    projection = next(part for part in parts(page) if part[0] == "Projection")
    assert projection[1:3] == ["(8, 64, 224)", "50.2k"]
    assert "× the preset's" in page.locator(".lv-diagram-totals").inner_text()
    assert page.locator(".lv-diagram-title").inner_html() == "2 blocks like this one"


def test_it_follows_the_size_and_the_architecture(page, app_server):
    open_diagram(page, app_server)
    choose(page, "#lv-size", "Large")
    page.wait_for_function("document.querySelector('.lv-diagram')?.textContent.includes('6 blocks')")
    page.locator("#lv-toolbar button", has_text="More").click()
    choose(page, "#lv-set-architecture", "GPT-2 (the book's)")
    page.wait_for_function("document.querySelector('.lv-diagram')?.textContent.includes('Learned positions')")
    names = [part[0] for part in parts(page)]
    assert "RoPE" not in names
    assert names.count("LayerNorm") == 3


def test_on_a_phone_nothing_is_cut_off(page, app_server):
    page.set_viewport_size({"width": 390, "height": 844})
    open_diagram(page, app_server)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    # In one step: the picture is drawn anew with every word from the server.
    assert page.evaluate(
        "document.querySelector('.lv-diagram-picture svg').getBoundingClientRect().right <= 390"
    )

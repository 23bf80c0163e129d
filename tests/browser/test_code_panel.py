"""The "?" of every panel: what it shows, what to look for, and the code behind it."""

import pytest

from llmviz.settings import ModelSettings
from llmviz.ui.code import PANELS, pieces_of
from tests.browser.driving import open_app, press_train

pytestmark = pytest.mark.browser

TAB_OF = {name: "Train" for name in ("chart", "film", "health", "diagram")}
TAB_OF |= {"tokens": "Tokens", "attention": "Attention", "sample": "Sample"}


IN_VIEW = "window.llmviz.store.summaries.get(window.llmviz.store.selection.run)"


def open_help(page, panel: str):
    """Show the panel's card; its locator."""
    if page.locator("#lv-model").is_visible():
        page.locator("#lv-model .lv-panel-close").click()
    page.get_by_role("tab", name=TAB_OF[panel], exact=True).click()
    box = page.locator(f".lv-{panel}")
    if panel == "diagram":
        page.locator("#lv-toolbar button", has_text="Model").click()
        box = page.locator("#lv-model")  # with the line above the diagram
    box.locator(".lv-help-button").click()
    card = box.locator(".lv-help-card")
    card.wait_for(state="visible")
    page.wait_for_timeout(100)
    return card


def open_code(page, panel: str):
    """Show the panel's code; the dialog's locator."""
    open_help(page, panel).get_by_role("button", name="Show me the code").click()
    page.wait_for_selector("dialog.lv-code pre")
    return page.locator("dialog.lv-code")


@pytest.mark.parametrize("size", [(1366, 625), (1093, 500), (390, 844)])
def test_every_panel_explains_itself_in_full_view(page, app_server, size):
    width, height = size
    page.set_viewport_size({"width": width, "height": height})
    open_app(page, app_server)
    for panel in PANELS:
        card = open_help(page, panel)
        assert card.locator("strong").all_inner_texts() == ["What am I looking at", "What to look for"]
        box = card.bounding_box()
        assert min(box["x"], box["y"]) >= 0, panel
        assert box["x"] + box["width"] <= width, panel
        assert box["y"] + box["height"] <= height, panel
        page.keyboard.press("Escape")
        card.wait_for(state="hidden")


def test_the_help_makes_no_header_higher(page, app_server):
    page.set_viewport_size({"width": 1366, "height": 625})
    open_app(page, app_server)
    page.wait_for_selector(".lv-film .lv-help-button")
    for bar in (".lv-chart-bar", ".lv-film-bar"):
        measure = f"document.querySelector('{bar}').offsetHeight"
        with_help = page.evaluate(measure)
        page.evaluate(f"document.querySelector('{bar} .lv-help').remove()")
        assert with_help == page.evaluate(measure)


@pytest.mark.slow
def test_every_panel_shows_its_code_and_gives_the_focus_back(page, app_server):
    open_app(page, app_server)
    settings = page.evaluate(f"{IN_VIEW}.settings")
    model = ModelSettings(**{name: settings[name] for name in ModelSettings.model_fields if name in settings})
    for panel in PANELS:
        dialog = open_code(page, panel)
        names = [piece.name for piece in pieces_of(panel, model)]
        assert dialog.locator("h3 b").all_inner_texts() == names
        assert "def " in dialog.locator("pre").first.inner_text()
        for _ in range(6):
            page.keyboard.press("Tab")
            outside = "document.activeElement !== document.body && !document.activeElement.closest('dialog')"
            assert not page.evaluate(outside), panel
        page.keyboard.press("Escape")
        dialog.wait_for(state="detached")
        assert page.evaluate("document.activeElement.className") == "lv-help-button"


def test_the_code_is_that_of_the_model_in_view(page, app_server):
    open_app(page, app_server)
    press_train(page)
    architecture = page.evaluate(f"{IN_VIEW}.written_out")
    page.locator("#lv-stop").click()
    titles = open_code(page, "attention").locator("h3").all_inner_texts()
    assert any(f"llmviz/model/{architecture}.py, line" in title for title in titles)


def test_shapes_are_those_of_the_map_in_view(page, app_server):
    open_app(page, app_server)
    page.get_by_role("tab", name="Attention", exact=True).click()
    page.wait_for_selector(".lv-attention .attention-body:not(.empty)")
    page.locator(".lv-attention textarea").fill("The fox")
    buttons = "document.querySelectorAll('.lv-attention .strip-line button').length"
    page.wait_for_function(f"{buttons} > 0 && {buttons} <= 7")
    tokens, width = page.evaluate(buttons), page.evaluate(f"{IN_VIEW}.settings.n_embd")
    shapes = open_code(page, "attention").locator(".lv-code-shape").all_inner_texts()
    assert f" = (1, {tokens}, {width})" in shapes


def test_a_server_out_of_reach_is_told_in_a_sentence(page, app_server):
    open_app(page, app_server)
    page.route("**/llmviz/code/**", lambda route: route.abort())
    open_help(page, "chart").get_by_role("button", name="Show me the code").click()
    page.wait_for_selector("dialog.lv-code [role=alert]")
    assert "cannot be reached" in page.locator("dialog.lv-code [role=alert]").inner_text()
    page.get_by_role("button", name="Close", exact=True).click()
    page.locator("dialog.lv-code").wait_for(state="detached")

"""In a class computers are shared: the token ends with the tab, and runs have no chosen names."""

import pytest

from tests.browser.driving import open_app, press_train, wait_for, wait_for_status

pytestmark = pytest.mark.browser

KEY = "llmviz-owner"
BEFORE = "b" * 32  # a token from before the class


def kept(page, storage: str) -> str | None:
    return page.evaluate(f"{storage}.getItem('{KEY}')")


def token(page) -> str:
    return page.evaluate("window.llmviz.owner()")


def open_in_class(page, server) -> None:
    open_app(page, server)
    wait_for(page, "store.host?.class?.on && store.order.length > 0")


@pytest.mark.slow
def test_the_token_is_in_the_tab_only_and_survives_a_reload(page, class_server):
    open_in_class(page, class_server)
    first = token(page)
    assert kept(page, "sessionStorage") == first
    assert kept(page, "localStorage") is None
    page.reload()
    wait_for(page, "store.host?.class?.on")
    assert token(page) == first
    page.locator(".lv-you-open").click()
    assert "forgotten when you close the page" in page.locator("dialog.lv-you").inner_text()


@pytest.mark.slow
def test_a_token_from_before_the_class_moves_into_the_tab(page, class_server):
    open_app(page, class_server)
    page.evaluate(f"sessionStorage.clear(), localStorage.setItem('{KEY}', '{BEFORE}')")
    page.reload()
    wait_for(page, "store.host?.class?.on")
    assert token(page) == BEFORE
    assert (kept(page, "sessionStorage"), kept(page, "localStorage")) == (BEFORE, None)


@pytest.mark.slow
def test_a_closed_tab_is_forgotten_and_its_code_leads_back(chromium, class_server):
    context = chromium.new_context()
    page = context.new_page()
    open_in_class(page, class_server)
    run = press_train(page)
    page.locator("#lv-stop").click()
    wait_for_status(page, run, "stopped")
    first = token(page)
    page.locator(".lv-you-open").click()
    code = page.locator(".lv-you-letters").first.inner_text()
    page.close()
    later = context.new_page()
    open_in_class(later, class_server)
    assert token(later) != first
    assert not later.evaluate(f"window.llmviz.store.summaries.get('{run}')?.mine")
    later.locator(".lv-you-open").click()
    later.locator("#lv-you-field").fill(code)
    later.get_by_role("button", name="Use this code").click()
    wait_for(later, f"store.summaries.get('{run}')?.mine === true")
    assert kept(later, "localStorage") is None
    context.close()


@pytest.mark.slow
def test_two_open_tabs_agree_without_any_storage_in_common(page, class_server):
    open_in_class(page, class_server)
    run = press_train(page)
    other = page.context.new_page()
    open_in_class(other, class_server)
    wait_for(other, f"store.summaries.get('{run}')?.mine === true")
    assert token(other) == token(page)
    page.bring_to_front()
    page.locator("#lv-stop").click()


@pytest.mark.slow
def test_no_field_for_a_name(page, class_server, app_server):
    for server, shown in ((class_server, False), (app_server, True)):
        open_app(page, server)
        wait_for(page, "store.host && store.order.length > 0")
        page.get_by_role("button", name="More").click()
        page.get_by_role("button", name="Download (.zip)").wait_for(state="visible")
        assert page.get_by_label("New name of this run").is_visible() == shown
        assert page.get_by_role("button", name="Rename").is_visible() == shown

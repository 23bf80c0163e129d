"""The form of Train stays its reader's: over a slow network, beside others who train, and in a lesson."""

import pytest
from playwright.sync_api import expect

from tests.browser.driving import choose, open_app

pytestmark = pytest.mark.browser

# As the stream tells it when three others begin.
CROWD = """() => {
    const {store} = window.llmviz;
    store.host = {...store.host, active: 3};
    store.emit("host", store.host);
}"""


def setting(page, name: str):
    return page.locator(f"#lv-set-{name} input")


def open_form(page, server, query: str = "") -> None:
    open_app(page, server, query)
    page.wait_for_function("window.llmviz?.store.host && window.llmviz.store.plan?.kept")
    page.get_by_role("button", name="More").click()


def ask_slowly(page, milliseconds: int) -> None:
    network = {"offline": False, "latency": milliseconds, "downloadThroughput": -1, "uploadThroughput": -1}
    page.context.new_cdp_session(page).send("Network.emulateNetworkConditions", network)


@pytest.mark.slow
def test_over_a_slow_network_no_press_is_lost_and_the_last_answer_is_that_of_the_form(page, app_server):
    open_form(page, app_server)
    ask_slowly(page, 300)
    dial = page.get_by_label("Depth, and all else from it")
    dial.focus()
    for _ in range(4):
        dial.press("ArrowRight")
    expect(setting(page, "n_embd")).to_have_value("192")
    expect(dial).to_have_value("6")
    setting(page, "optimizer").focus()  # leaving a menu is an event as well, at the same moment as the next
    dial.fill("3")
    expect(setting(page, "learning_rate")).to_have_value("0.0046")
    choose(page, "#lv-size", "Spark")
    choose(page, "#lv-size", "Large")
    expect(page.locator(".lv-beforehand")).to_contain_text("Large also set")
    expect(setting(page, "n_embd")).to_have_value("192")
    expect(page.locator(".lv-dial-reasons")).to_be_empty()
    assert page.evaluate("window.llmviz.store.plan.size") == "large"
    setting(page, "n_layer").fill("5")
    expect(page.locator(".lv-beforehand")).not_to_contain_text("Large also set")
    page.wait_for_timeout(1000)
    page.evaluate(CROWD)
    page.wait_for_timeout(500)  # a suggestion has been made and refused
    page.wait_for_event("request", lambda request: '"kept"' in (request.post_data or ""))  # what it costs now


def test_beside_others_only_an_untouched_form_becomes_spark(page, app_server):
    open_form(page, app_server, "?preset=small&n_layer=3")
    expect(setting(page, "n_layer")).to_have_value("3")
    with page.expect_response(lambda answer: '"suggest"' in (answer.request.post_data or "")):
        page.evaluate(CROWD)
    expect(setting(page, "n_layer")).to_have_value("3")
    expect(page.locator("#lv-size input")).to_have_value("Small")
    open_form(page, app_server)
    page.evaluate(CROWD)
    expect(page.locator("#lv-size input")).to_have_value("Spark")
    expect(page.locator(".lv-beforehand")).to_contain_text("Spark also set Text to Dinosaurs.")

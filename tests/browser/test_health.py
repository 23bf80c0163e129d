"""The line that says how training is doing inside: alarms, details, and the time machine."""

import pytest

from tests.browser.driving import choose, open_app, press_train, selected, wait_for, wait_for_status

pytestmark = pytest.mark.browser


@pytest.mark.slow
def test_a_healthy_run_says_so_and_shows_its_layers(page, app_server):
    open_app(page, app_server)
    run = press_train(page)
    wait_for_status(page, run, "finished", 60)
    page.wait_for_function("document.querySelector('.lv-health-text')?.textContent.includes('healthy')")
    assert page.locator(".lv-health-sign").get_attribute("data-level") == "fine"
    page.locator(".lv-health-more").click()
    panel = page.locator(".lv-health-panel")
    panel.locator(".lv-health-scroll").wait_for()
    rows = panel.locator(".lv-health-scroll tbody th").all_inner_texts()
    assert rows == ["outside of the layers", "layer 1", "layer 2"]
    assert "before step 551" in panel.locator("h2").inner_text()
    assert "tokens 17–32" in panel.inner_text()
    assert "insides of words" in panel.inner_text()
    panel.get_by_text("Speed: ").wait_for()  # how close to the machine's limit, or that this comes
    page.set_viewport_size({"width": 390, "height": 844})
    assert panel.locator(".lv-health-scroll").evaluate("(table) => table.scrollWidth <= table.clientWidth")
    page.set_viewport_size({"width": 1366, "height": 768})
    page.evaluate(f"window.llmviz.select({{run: '{run}', step: 64}})")  # the time machine takes it along
    page.wait_for_function("document.querySelector('.lv-health-panel h2')?.textContent.includes('step 51')")
    page.keyboard.press("Escape")
    panel.wait_for(state="hidden")


def test_a_learning_rate_far_too_high_raises_an_alarm(page, app_server):
    page.set_viewport_size({"width": 1366, "height": 625})
    open_app(page, app_server)
    choose(page, "#lv-size", "Spark")
    page.wait_for_timeout(500)
    page.locator("#lv-toolbar button", has_text="More").click()
    page.locator("#lv-set-learning_rate input").fill("0.5")
    page.locator("#lv-set-learning_rate input").blur()
    page.keyboard.press("Escape")
    before = selected(page)["run"]
    page.locator("#lv-train").click()
    wait_for(page, f"run !== '{before}'")
    page.wait_for_function(
        "document.querySelector('.lv-health-sign')?.dataset.level === 'alarm'", timeout=30_000
    )
    assert "learning rate" in page.locator(".lv-health-text").inner_text()
    nothing_to_scroll = "document.documentElement.scrollHeight <= innerHeight"
    assert page.evaluate(nothing_to_scroll)
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("p")  # before a class the reading is read out: all of it is there
    page.wait_for_function(nothing_to_scroll, timeout=3_000)
    whole = "(text) => text.scrollWidth <= text.clientWidth"
    assert page.locator(".lv-health-text").evaluate(whole)
    page.locator(".lv-health-more").click()
    assert page.locator(".lv-health-scroll").evaluate("(table) => table.scrollWidth <= table.clientWidth")


def test_of_a_run_without_diagnostics_nothing_is_claimed(page, app_server):
    open_app(page, app_server)  # on the shipped model, which is older than diagnostics
    page.wait_for_function("document.querySelector('.lv-health-text')?.textContent.includes('not examined')")
    assert page.locator(".lv-health-more").is_hidden()


def test_a_run_that_was_never_examined_is_told_its_speed_all_the_same(page, app_server):
    speed = {"reached": 14e9, "roof": 1e11, "share": 0.14, "by": "1 thread"}
    told = {"diagnosis": None, "readings": [], "noise_scale": None, "roofline": speed, "unmeasured": False}
    page.route("**/runs/story-gpt/diagnostics*", lambda route: route.fulfill(json=told))
    open_app(page, app_server)
    page.locator(".lv-health-more").click()
    page.locator(".lv-health-panel", has_text="14 G operations a second, 14 % of the 100 G").wait_for()
    assert "not examined" in page.locator(".lv-health-text").inner_text()

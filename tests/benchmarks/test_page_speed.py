"""How quick the page is."""

import statistics
import time

import pytest

from tests.browser.driving import choose, open_app, points, press_train

pytestmark = [pytest.mark.browser, pytest.mark.benchmark]


def test_first_visit_up_to_the_first_point(page, app_server):
    open_app(page, app_server)
    choose(page, "#lv-size", "Spark")
    page.wait_for_timeout(2000)
    pressed = time.monotonic()
    before = page.evaluate("window.llmviz.store.selection.run")
    page.locator("#lv-train").click()
    page.wait_for_function(f"window.llmviz.store.selection.run !== '{before}'")
    page.wait_for_function(
        "(window.llmviz.store.data.get(window.llmviz.store.selection.run)?.step.length ?? 0) > 0"
    )
    seconds = time.monotonic() - pressed
    print(f"\nfirst loss point {seconds:.2f} s after the press")
    assert points(page) > 0


def test_a_click_answers_while_a_run_trains(page, app_server):
    """A queued event that does little, timed by a client of Gradio's own protocol."""
    from gradio_client import Client

    open_app(page, app_server)
    run = press_train(page, "Small")
    client = Client(app_server.url, verbose=False)
    times = []
    for _ in range(60):
        began = time.monotonic()
        client.predict(api_name="/presets")
        times.append(time.monotonic() - began)
        time.sleep(0.05)
    p95 = statistics.quantiles(times, n=20)[-1]
    assert page.evaluate(f"window.llmviz.store.summaries.get('{run}').status") == "running"
    print(f"\nqueued event: median {statistics.median(times) * 1e3:.0f} ms, p95 {p95 * 1e3:.0f} ms")
    assert p95 < 0.2

"""A newcomer's way through the real app: press Train, watch it learn, reload, look inside."""

import os
import re
import signal

import pytest

from tests.browser.driving import newest_step, open_app, points, press_train, workers_of

pytestmark = pytest.mark.browser


def test_train_grows_a_curve_and_a_reload_finds_it(page, app_server):
    open_app(page, app_server)
    run = press_train(page)
    first = points(page)
    page.wait_for_function(f"window.llmviz.store.data.get('{run}').step.length > {first + 5}", timeout=20_000)
    page.reload()
    page.wait_for_function(f"window.llmviz.store.selection.run === '{run}'", timeout=15_000)
    page.wait_for_function(
        f"(window.llmviz.store.data.get('{run}')?.step.length ?? 0) >= {first}", timeout=15_000
    )
    assert page.evaluate(f"window.llmviz.store.data.get('{run}').step[0]") == 1
    page.wait_for_function(
        f"window.llmviz.store.summaries.get('{run}').status === 'finished'", timeout=90_000
    )


def test_a_killed_worker_is_replaced_and_the_page_says_so(page, own_server):
    open_app(page, own_server)
    run = press_train(page, "Small")
    page.wait_for_timeout(1500)
    victims = workers_of(own_server, run)
    assert victims, "no worker holds the run"
    for victim in victims:
        os.kill(victim.pid, signal.SIGKILL)
    at = newest_step(page)
    page.wait_for_function(
        f"(window.llmviz.store.data.get('{run}')?.step.at(-1) ?? 0) > {at + 5}", timeout=30_000
    )
    page.wait_for_function(
        f"window.llmviz.store.data.get('{run}').events.some((event) => event.code === 'recovered')",
        timeout=10_000,
    )


def test_a_second_browser_with_the_link_looks_but_may_not_touch(page, chromium, app_server):
    open_app(page, app_server)
    run = press_train(page, "Small")
    other = chromium.new_context().new_page()
    open_app(other, app_server, f"?run={run}")
    other.wait_for_function(f"(window.llmviz.store.data.get('{run}')?.step.length ?? 0) > 3", timeout=15_000)
    assert other.locator("#lv-pause").is_disabled()
    assert re.search(run, other.url)
    refused = other.request.post(
        f"{app_server.url}/gradio_api/llmviz/runs/{run}/do/stop", headers={"X-LLMViz-Owner": "f" * 32}
    )
    assert refused.status == 403
    other.context.close()
    page.locator("#lv-stop").click()
    page.wait_for_function(f"window.llmviz.store.summaries.get('{run}').status === 'stopped'", timeout=15_000)


def test_pause_step_and_resume(page, app_server):
    open_app(page, app_server)
    run = press_train(page, "Small")
    page.locator("#lv-pause").click()
    page.wait_for_function(f"window.llmviz.store.summaries.get('{run}').status === 'paused'", timeout=15_000)
    at = page.evaluate(f"window.llmviz.store.summaries.get('{run}').step")
    page.locator("#lv-step").click()
    page.wait_for_function(f"window.llmviz.store.summaries.get('{run}').step === {at + 1}", timeout=15_000)
    page.locator("#lv-pause").click()  # now says Resume
    page.wait_for_function(f"window.llmviz.store.summaries.get('{run}').step > {at + 5}", timeout=15_000)
    page.locator("#lv-stop").click()
    page.wait_for_function(f"window.llmviz.store.summaries.get('{run}').status === 'stopped'", timeout=15_000)

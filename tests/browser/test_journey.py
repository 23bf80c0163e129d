"""A newcomer's way through the real app: press Train, watch it learn, reload, look inside."""

import os
import signal

import psutil
import pytest

from tests.browser.driving import (
    newest_step,
    open_app,
    points,
    press_train,
    wait_for,
    wait_for_points,
    wait_for_status,
    workers_of,
)

pytestmark = pytest.mark.browser


def test_train_grows_a_curve_and_a_reload_finds_it(page, app_server):
    open_app(page, app_server)
    run = press_train(page)
    first = points(page)
    wait_for_points(page, run, first + 5)
    page.reload()
    wait_for(page, f"run === '{run}'")
    wait_for_points(page, run, first)
    assert page.evaluate(f"window.llmviz.store.data.get('{run}').step[0]") == 0
    wait_for_status(page, run, "finished", 90)


@pytest.mark.slow
def test_a_killed_worker_is_replaced_and_the_page_says_so(page, own_server):
    open_app(page, own_server)
    run = press_train(page, "Small")
    wait_for_points(page, run, 5)
    victims = workers_of(own_server, run)
    assert victims, "no worker holds the run"
    for victim in victims:
        os.kill(victim.pid, signal.SIGKILL)
    at = newest_step(page)
    wait_for(page, f"(store.data.get('{run}')?.step.at(-1) ?? 0) > {at + 5}")
    wait_for(page, f"store.data.get('{run}').events.some((event) => event.code === 'recovered')", 10)


@pytest.mark.slow
def test_a_killed_server_leaves_no_worker_and_its_runs_go_on(page, own_server):
    open_app(page, own_server)
    run = press_train(page, "Small")
    wait_for_points(page, run, 5)
    orphans = psutil.Process(own_server.process.pid).children(recursive=True)
    own_server.kill()
    _, alive = psutil.wait_procs(orphans, timeout=5)
    assert not alive
    at = newest_step(page)
    own_server.start()
    wait_for(page, f"(store.data.get('{run}')?.step.at(-1) ?? 0) > {at + 5}", 45)


@pytest.mark.slow
def test_a_second_browser_with_the_link_looks_but_may_not_touch(page, chromium, app_server):
    open_app(page, app_server)
    run = press_train(page, "Small")
    other = chromium.new_context().new_page()
    open_app(other, app_server, f"?run={run}")
    wait_for_points(other, run, 3)
    assert other.locator("#lv-pause").is_disabled()
    named, delete = (
        [view.locator(".lv-run-file button", has_text=name) for view in (page, other)]
        for name in ("Rename", "Delete")
    )
    assert [button.is_disabled() for button in named + delete] == [False, True] * 2
    assert "only its owner" in delete[1].get_attribute("title")
    assert run in other.url
    refused = other.request.post(
        f"{app_server.url}/gradio_api/llmviz/runs/{run}/do/stop", headers={"X-LLMViz-Owner": "f" * 32}
    )
    assert refused.status == 403
    other.context.close()
    page.locator("#lv-stop").click()
    wait_for_status(page, run, "stopped")


def test_pause_step_and_resume(page, app_server):
    open_app(page, app_server)
    run = press_train(page, "Small")
    page.locator("#lv-pause").click()
    wait_for_status(page, run, "paused")
    at = page.evaluate(f"window.llmviz.store.summaries.get('{run}').step")
    page.locator("#lv-step").click()
    wait_for(page, f"store.summaries.get('{run}').step === {at + 1}")
    wait_for_status(page, run, "paused")
    page.locator("#lv-pause").click()  # now says Resume
    wait_for(page, f"store.summaries.get('{run}').step > {at + 5}")
    page.locator("#lv-stop").click()
    wait_for_status(page, run, "stopped")

"""A newcomer's way through the real app: press Train, watch it learn, reload, look inside."""

import os
import re
import signal

import psutil
import pytest

pytestmark = pytest.mark.browser


def open_app(page, server, query: str = "") -> None:
    page.goto(f"{server.url}/{query}")
    page.wait_for_selector("#lv-train", timeout=20_000)


def selected(page) -> dict:
    return page.evaluate("window.llmviz.store.selection")


def points(page) -> int:
    """How many training records the page holds of the chosen run."""
    return page.evaluate("window.llmviz.store.data.get(window.llmviz.store.selection.run)?.step.length ?? 0")


def newest_step(page) -> int:
    return page.evaluate("window.llmviz.store.data.get(window.llmviz.store.selection.run)?.step.at(-1) ?? 0")


def status(page) -> str:
    return page.evaluate("window.llmviz.store.summaries.get(window.llmviz.store.selection.run)?.status ?? ''")


def choose(page, dropdown: str, label: str) -> None:
    page.locator(f"{dropdown} input").click()
    page.get_by_role("option", name=label, exact=True).click()


def press_train(page, size: str = "Spark") -> str:
    """Press Train on a preset and wait for the first point; the run's id."""
    before = selected(page)["run"]
    choose(page, "#lv-size", size)
    page.wait_for_timeout(400)
    page.locator("#lv-train").click()
    page.wait_for_function(f"window.llmviz.store.selection.run !== '{before}'", timeout=15_000)
    page.wait_for_function(
        "(window.llmviz.store.data.get(window.llmviz.store.selection.run)?.step.length ?? 0) > 3",
        timeout=30_000,
    )
    return selected(page)["run"]


def workers_of(server, run: str) -> list[psutil.Process]:
    """The processes that hold the run's directory, found as a person would: by name or open lock."""
    found = []
    for process in psutil.Process(server.process.pid).children(recursive=True):
        try:
            if any(run in opened.path for opened in process.open_files()):
                found.append(process)
        except psutil.Error:
            continue
    return found


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

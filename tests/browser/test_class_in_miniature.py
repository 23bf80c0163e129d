"""A real class in miniature: three browsers train at once, each has an accident, all end with their model."""

import os
import signal

import pytest

from tests.browser.driving import newest_step, open_app, wait_for, wait_for_status, workers_of

pytestmark = pytest.mark.browser

STEPS = 500  # of the preset Small: long enough for all three accidents
LESSON = f"?preset=small&max_steps={STEPS}"


def begin(page, server) -> str:
    """Open the lesson's link and press Train; the run's id."""
    open_app(page, server, LESSON)
    page.wait_for_function(f"document.querySelector('#lv-set-max_steps input')?.value === '{STEPS}'")
    before = page.evaluate("window.llmviz.store.selection.run")
    page.locator("#lv-train").click()
    wait_for(page, f"run && run !== '{before}' && store.summaries.get(run)?.mine", 60)
    return page.evaluate("window.llmviz.store.selection.run")


def wait_for_step(page, run: str, step: int, seconds: float = 90) -> None:
    wait_for(page, f"(store.data.get('{run}')?.step.at(-1) ?? 0) > {step}", seconds)


def is_training(page, run: str) -> bool:
    status = page.evaluate(f"window.llmviz.store.summaries.get('{run}')?.status")
    return status in ("preparing", "waiting", "running")


def written_by(page, run: str) -> str:
    """What the run's newest model writes when it is asked."""
    last = page.evaluate(
        f"window.llmviz.job('sample', {{ run: '{run}', step: null, prompt: 'The ', max_new_tokens: 20 }})"
    )
    assert "error" not in last, last
    return str(last)


@pytest.mark.slow
def test_three_train_at_once_and_each_ends_with_a_model(chromium, own_server):
    contexts = [chromium.new_context() for _ in range(3)]
    reloaded, _, bereft = pages = [context.new_page() for context in contexts]
    runs = [begin(page, own_server) for page in pages]
    assert len(set(runs)) == 3
    for page, run in zip(pages, runs, strict=True):
        wait_for_step(page, run, 5)
    assert all(is_training(page, run) for page, run in zip(pages, runs, strict=True)), "not at once"

    victims = workers_of(own_server, runs[2])
    assert victims, "no worker holds the run"
    for victim in victims:
        os.kill(victim.pid, signal.SIGKILL)

    reloaded.goto(own_server.url)  # without the link that names the run: it is found as one's own
    wait_for(reloaded, f"run === '{runs[0]}' && store.summaries.get(run).mine")

    kept = contexts[1].storage_state()
    contexts[1].close()
    reloaded.wait_for_timeout(2000)
    contexts[1] = chromium.new_context(storage_state=kept)
    reopened = contexts[1].new_page()
    open_app(reopened, own_server)
    wait_for(reopened, f"store.summaries.get('{runs[1]}')?.mine === true")

    wait_for(bereft, f"store.data.get('{runs[2]}').events.some((event) => event.code === 'recovered')", 60)
    for page, run in zip((reloaded, reopened, bereft), runs, strict=True):
        page.evaluate(f"window.llmviz.select({{ run: '{run}' }})")
        wait_for_status(page, run, "finished", 240)
        wait_for_step(page, run, STEPS - 3)
        assert newest_step(page) <= STEPS
        assert page.locator(".lv-save").is_visible()
        assert written_by(page, run)
        others = [other for other in runs if other != run]
        assert not page.evaluate(f"{others}.some((run) => window.llmviz.store.order.includes(run))")
    for context in contexts:
        context.close()

"""How the tests drive the page: what a reader does, and what the page then holds."""

import psutil


def open_app(page, server, query: str = "") -> None:
    page.goto(f"{server.url}/{query}")
    page.wait_for_selector("#lv-train", timeout=20_000)


def wait_for(page, condition: str, seconds: float = 30) -> None:
    """Wait until a JavaScript condition on `store` and the chosen `run` holds; the page may still load."""
    chosen = "window.llmviz.store, window.llmviz.store.selection.run"
    page.wait_for_function(
        f"window.llmviz && ((store, run) => {condition})({chosen})", timeout=seconds * 1000
    )


def wait_for_status(page, run: str, status: str, seconds: float = 30) -> None:
    wait_for(page, f"store.summaries.get('{run}')?.status === '{status}'", seconds)


def wait_for_points(page, run: str, more_than: int, seconds: float = 30) -> None:
    wait_for(page, f"(store.data.get('{run}')?.step.length ?? 0) > {more_than}", seconds)


def selected(page) -> dict:
    return page.evaluate("window.llmviz.store.selection")


def points(page) -> int:
    """How many training records the page holds of the chosen run."""
    return page.evaluate("window.llmviz.store.data.get(window.llmviz.store.selection.run)?.step.length ?? 0")


def newest_step(page) -> int:
    return page.evaluate("window.llmviz.store.data.get(window.llmviz.store.selection.run)?.step.at(-1) ?? 0")


def choose(page, dropdown: str, label: str) -> None:
    page.locator(f"{dropdown} input").click()
    page.get_by_role("option", name=label, exact=True).click()


def press_train(page, size: str = "Spark") -> str:
    """Press Train on a preset and wait for the first point; the run's id."""
    before = selected(page)["run"]
    choose(page, "#lv-size", size)
    page.wait_for_timeout(400)
    page.locator("#lv-train").click()
    wait_for(page, f"run !== '{before}' && (store.data.get(run)?.step.length ?? 0) > 3", 45)
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

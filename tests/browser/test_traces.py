"""Nothing that a reader typed is left after deletion, and nothing of it was ever in a URL or in the log."""

import io
import time
import zipfile
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.browser.driving import choose, open_app, wait_for
from tests.conftest import AppServer
from tests.files import files_in

pytestmark = pytest.mark.browser

# One word for everything that a reader can type; letters only, so that every model can read them.
MARK = "zyzzyva"
KEPT_WHILE_THE_RUNS_ARE = ["name", "pasted", "uploaded", "setting", "change"]
PASSING = ["film", "sample", "attention", "tokens", "code", "refused", "unknown", "explored"]
TYPED = {place: MARK + place for place in KEPT_WHILE_THE_RUNS_ARE + PASSING}
PASSWORD = "marker-blackboard-password"
PROGRAM = "marker-program-token-0123456789"  # the owner token of a program that uses the endpoints
STORY = "The {} sat by the sea and sang of ships. "


@pytest.fixture(params=["owners", "teacher"])
def server(request, tmp_path):
    """A server whose every folder is one of the test's own: data, archive, temporary files, home, log.
    `deleted_by`: who deletes in the end; a teacher has a class."""
    folders = {name: tmp_path / name for name in ("archive", "tmp", "home")}
    for folder in folders.values():
        folder.mkdir()
    server = AppServer(
        tmp_path / "data",
        LLMVIZ_ARCHIVE_DIR=str(folders["archive"]),
        LLMVIZ_TEACHER_PASSWORD=PASSWORD if request.param == "teacher" else "",
        TMPDIR=str(folders["tmp"]),
        HOME=str(folders["home"]),
    )
    server.deleted_by = request.param
    yield server
    server.stop()


def unpacked(data: bytes) -> bytes:
    """The bytes of a file, and of all that is packed in it."""
    if not data.startswith(b"PK"):
        return data
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return data + b"".join(unpacked(archive.read(name)) for name in archive.namelist())


def traces(root: Path, words: list[str]) -> dict[str, list[str]]:
    """{word: the files that hold it}"""
    found: dict[str, list[str]] = {}
    for path, data in files_in(root):
        inside = unpacked(data)
        for word in words:
            if word.encode() in inside or word in path.name:
                found.setdefault(word, []).append(str(path.relative_to(root)))
    return found


def learn_from(page, text: str | Path, size: str) -> str:
    """Train on a text of one's own, pasted or from a file, until there are samples of it; the run's id."""
    before = page.evaluate("window.llmviz.store.selection.run")
    choose(page, "#lv-size", size)
    page.wait_for_timeout(400)
    mine = page.get_by_role("button", name="My text", exact=True)
    if mine.is_visible():  # a size leaves the text that was chosen
        mine.click()
    else:
        choose(page, "#lv-corpus", "A text of yours …")
    if isinstance(text, Path):
        page.locator("#lv-file").set_input_files(text)
        page.get_by_text("The file is in the box").wait_for()
    else:
        page.locator("#lv-text textarea").fill(text)
    page.keyboard.press("Escape")
    page.locator("#lv-train").click()
    wait_for(page, f"run !== '{before}' && (store.data.get(run)?.events.length ?? 0) > 2", 60)
    return page.evaluate("window.llmviz.store.selection.run")


def send(page, path: str, body: dict) -> int:
    """A request as the page's own scripts send it; the status of the answer."""
    return page.evaluate(
        """([path, body]) => fetch(window.llmviz.base + path, {
            method: "POST",
            headers: { "Content-Type": "application/json", "X-LLMViz-Owner": window.llmviz.owner() },
            body: JSON.stringify(body),
        }).then(async (response) => { await response.text(); return response.status; })""",
        [path, body],
    )


def type_everywhere(page, server, tmp_path) -> None:
    """Leave a marker wherever a reader can type, on the page and through the endpoints."""
    file = tmp_path / "home" / "diary.txt"
    file.write_text(STORY.format(TYPED["uploaded"]) * 200, "utf-8")
    learn_from(page, file, "Spark")
    file.unlink()
    run = learn_from(page, STORY.format(TYPED["pasted"]) * 200, "Medium")
    assert send(page, f"runs/{run}/change", {"prompt": TYPED["change"]}) == 200
    page.locator("#lv-film input").fill(TYPED["film"])
    page.locator("#lv-film").get_by_role("button", name="Write").click()
    for tab in ("sample", "attention", "tokens"):
        page.get_by_role("tab", name=tab.capitalize()).click()
        page.locator(f"#lv-{tab} textarea").first.fill(TYPED[tab])
        page.wait_for_timeout(1500)
    page.get_by_role("tab", name="Train", exact=True).click()
    page.locator(".lv-you-open").click()
    page.locator("#lv-you-field").fill(TYPED["code"])
    page.get_by_role("button", name="Use this code").click()
    page.keyboard.press("Escape")
    named = send(page, f"runs/{run}/rename", {"name": TYPED["name"]})
    assert named == (403 if server.deleted_by == "teacher" else 200)
    assert send(page, f"runs/{run}/change", {TYPED["unknown"]: 1}) == 400
    assert send(page, "job/nosuch", {"prompt": TYPED["refused"]}) == 404
    assert send(page, "job/sample", {"run": run, "prompt": TYPED["refused"] * 20_000}) >= 400
    page.evaluate(f"store => window.llmviz.store.summaries.get('{run}').name = '{TYPED['explored']}'")
    page.locator("#lv-explore-open, button:has-text('Explore')").first.click()
    page.wait_for_selector("#lv-explore .js-plotly-plot", timeout=30_000)
    page.keyboard.press("Escape")
    assert page.request.get(f"{server.url}/gradio_api/llmviz/runs/{run}/run.zip").ok


def use_endpoints(server) -> str:
    """A run of a program's, with a prompt as a setting; and a setting that there is not."""
    from gradio_client import Client
    from gradio_client.exceptions import AppError

    client = Client(server.url, verbose=False)
    with pytest.raises(AppError):
        client.predict({TYPED["unknown"]: TYPED["refused"]}, "spark", PROGRAM, api_name="/train")
    run = client.predict({"prompt": TYPED["setting"], "max_steps": 40}, "spark", PROGRAM, api_name="/train")
    deadline = time.monotonic() + 60
    while client.predict(run, api_name="/run")["status"] != "finished" and time.monotonic() < deadline:
        time.sleep(0.3)
    return run


def delete_as_owners(page, server, run_of_program: str) -> None:
    mine = page.evaluate("[...window.llmviz.store.summaries.values()].filter((run) => run.mine)")
    assert len(mine) == 2
    for run in mine:
        assert send(page, f"runs/{run['id']}/do/delete", {}) == 200
    path = f"{server.url}/gradio_api/llmviz/runs/{run_of_program}/do/delete"
    assert page.request.post(path, headers={"X-LLMViz-Owner": PROGRAM}).ok


def delete_as_teacher(page, server) -> str:
    """Sign in, download the whole class, clear it; the session's secret."""
    base = f"{server.url}/gradio_api/llmviz/teacher"
    answer = page.request.post(f"{base}/sign-in", data={"password": PASSWORD})
    session = answer.json()["session"]
    teacher = {"X-LLMViz-Teacher": session}
    ticket = page.request.post(f"{base}/zip", headers=teacher).json()["ticket"]
    assert TYPED["pasted"].encode() in unpacked(page.request.get(f"{base}/zip/{ticket}").body())
    assert page.request.post(f"{base}/clear", headers=teacher).json()["deleted"] == 3
    return session


@pytest.mark.slow
def test_no_trace_is_left_of_what_a_reader_typed(page, server, tmp_path):
    urls: list[str] = []
    page.on("request", lambda request: urls.append(unquote(request.url)))
    open_app(page, server)
    type_everywhere(page, server, tmp_path)
    run_of_program = use_endpoints(server)
    secrets = [page.evaluate("window.llmviz.owner()"), PROGRAM, PASSWORD]

    planted = traces(server.data_dir, [*TYPED.values(), *secrets])
    kept = set(KEPT_WHILE_THE_RUNS_ARE) - ({"name"} if server.deleted_by == "teacher" else set())
    missing = {TYPED[place] for place in kept} - set(planted)
    assert not missing, "the test would find nothing even if it were left"
    assert not set(secrets) & set(planted)
    deadline = time.monotonic() + 30  # the mirror follows in the background
    while not traces(tmp_path / "archive", [TYPED["pasted"]]):
        assert time.monotonic() < deadline, "the archive never had it"
        time.sleep(0.5)

    if server.deleted_by == "teacher":
        secrets.append(delete_as_teacher(page, server))
    else:
        delete_as_owners(page, server, run_of_program)

    everything = [MARK, *secrets]
    deadline = time.monotonic() + 20  # the files go in the background
    while traces(tmp_path, everything) and time.monotonic() < deadline:
        time.sleep(0.5)
    assert traces(tmp_path, everything) == {}
    server.stop()  # what it writes at its end counts too
    assert traces(tmp_path, everything) == {}
    assert server.log.is_relative_to(tmp_path)
    assert server.log.stat().st_size > 0
    assert len(urls) > 50
    assert [url for url in urls if any(word in url for word in everything)] == []

"""The teacher's screen and what the class sees of it, in two browsers at once."""

import json

import pytest

from tests.browser.driving import open_app, points, press_train, wait_for, wait_for_points, wait_for_status
from tests.conftest import PASSWORD

pytestmark = pytest.mark.browser

ASK = """async () => {
  const { job } = await import('/gradio_api/llmviz/assets/js/core.js');
  const question = { run: 'story-gpt', prompt: 'Mia', max_new_tokens: 3 };
  job('sample', question).then((last) => (window.answer = last));
}"""


@pytest.fixture
def teacher(chromium, class_server):
    context = chromium.new_context(viewport={"width": 1366, "height": 768})
    page = context.new_page()
    open_app(page, class_server)
    yield page
    context.close()


def sign_in(teacher, password=PASSWORD):
    teacher.locator(".lv-lesson .lv-teacher-entry").click()
    teacher.locator("#lv-teacher-password").fill(password)
    teacher.keyboard.press("Enter")


def test_without_a_password_there_is_no_entry(page, app_server):
    open_app(page, app_server)
    wait_for(page, "store.host")
    assert page.locator(".lv-teacher-entry, #lv-class-tab-button").count() == 0


def test_the_class_tab_is_the_teachers(teacher):
    tab = teacher.locator("#lv-class-tab-button")
    teacher.wait_for_selector(".lv-teacher-entry")
    assert not tab.is_visible()
    sign_in(teacher, "not the password")
    teacher.get_by_text("This is not the teacher's password.").wait_for()
    teacher.locator("#lv-teacher-password").fill(PASSWORD)
    teacher.keyboard.press("Enter")
    teacher.locator(".lv-class-summary").wait_for()
    assert tab.is_visible()
    assert PASSWORD not in teacher.url
    teacher.locator(".lv-lesson .lv-teacher-entry").click()  # now says Sign out
    teacher.wait_for_function("!document.body.classList.contains('lv-teacher')")
    assert not tab.is_visible()


@pytest.mark.slow
def test_eyes_on_me_and_a_look_that_is_seen(page, teacher, class_server):
    open_app(page, class_server)
    run = press_train(page, "Small")
    sign_in(teacher)
    card = teacher.locator(".lv-class-card").first
    card.wait_for()
    teacher.wait_for_function("/\\d %/.test(document.querySelector('.lv-class-share')?.textContent)")
    assert run not in teacher.content()

    teacher.locator("#lv-freeze").click()
    page.get_by_text("Eyes on your teacher, please.").wait_for()
    assert page.evaluate("document.querySelector('.gradio-container').inert") is True
    page.wait_for_timeout(1500)
    at = points(page)
    page.wait_for_timeout(1000)
    assert points(page) == at
    assert teacher.locator(".lv-frozen").count() == 0, "the teacher goes on showing things"
    page.reload()
    page.get_by_text("Eyes on your teacher, please.").wait_for()
    page.wait_for_function("document.querySelector('.gradio-container')?.inert")
    page.evaluate(ASK)
    teacher.evaluate(ASK)
    teacher.wait_for_function("window.answer?.done")
    page.wait_for_timeout(1500)
    assert page.evaluate("window.answer") is None, "a question is kept while the class is paused"
    teacher.locator("#lv-freeze").click()
    page.wait_for_function("!document.querySelector('.gradio-container').inert")
    page.wait_for_function("window.answer?.done")
    wait_for_points(page, run, at)
    assert page.locator(".lv-frozen").count() == 0

    card.click()
    teacher.get_by_role("button", name="Open (the student sees it)").click()
    wait_for(teacher, f"run === '{run}'")
    page.locator(".lv-notice-text", has_text="Your teacher opened what this model writes.").wait_for()

    teacher.locator("#lv-class-tab-button").click()
    if not teacher.locator(".lv-class-run").is_visible():
        card.click()
    teacher.get_by_role("button", name="Stop", exact=True).last.click()
    wait_for_status(page, run, "stopped")


@pytest.mark.slow
def test_the_lessons_plan_and_end_reach_every_page(page, teacher, class_server):
    open_app(page, class_server)
    sign_in(teacher)
    teacher.get_by_role("button", name="Lesson", exact=True).click()
    teacher.locator("#lv-plan-preset").select_option("spark")
    teacher.get_by_role("button", name="Use in this lesson").click()
    page.wait_for_function("document.querySelector('#lv-size input')?.value === 'Spark'")
    # In ten minutes, as the teacher's clock shows it; just before midnight there is no such time today.
    later = teacher.evaluate(
        "((now, d) => d.getDate() === now.getDate() ? d.toTimeString().slice(0, 5) : null)"
        "(new Date(), new Date(Date.now() + 600000))"
    )
    if later is None:
        pytest.skip("too late in the evening for a deadline today")
    teacher.locator(".lv-class-end input").fill(later)
    teacher.locator("#lv-done-at").click()
    page.locator(".lv-deadline", has_text="done at").wait_for()
    teacher.get_by_role("button", name="Not at").click()
    page.wait_for_function("document.querySelector('.lv-deadline')?.textContent === ''")
    teacher.locator(".lv-class-end input").fill("00:00")
    teacher.locator("#lv-done-at").click()
    teacher.get_by_text("That time has passed already").wait_for()


def thirty() -> dict:
    """A class of thirty as the stream tells it."""
    steps = [4 * n for n in range(48)]
    losses = [round(3.5 / (1 + n / 8) + 0.5, 3) for n in range(48)]
    about = {"status": "running", "step": 188, "max_steps": 600, "loss": 1.0, "newest": True}
    runs = [
        about | {"key": f"{n:016x}", "name": "Emerald Jackdaw", "curve": [steps, losses]} for n in range(30)
    ]
    memory = {"used": 6_100_000_000, "total": 16_000_000_000}
    return {"t": "class", "runs": runs, "hidden": 0, "training": 30, "cores": 2, "busy": 2, "memory": memory}


@pytest.mark.parametrize("projector", [False, True])
def test_thirty_runs_fit_the_projector(teacher, projector):
    body = f"data: {json.dumps(thirty())}\n\n"
    teacher.route(
        "**/teacher/stream", lambda route: route.fulfill(body=body, content_type="text/event-stream")
    )
    sign_in(teacher)
    teacher.locator(".lv-class-card").nth(29).wait_for()
    if projector:
        teacher.evaluate("document.activeElement.blur()")
        teacher.keyboard.press("p")
        teacher.wait_for_timeout(500)
        sizes = teacher.evaluate(
            "[...document.querySelectorAll('.lv-class *')].filter((e) => e.offsetWidth && "
            "[...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim()))"
            ".map((e) => parseFloat(getComputedStyle(e).fontSize))"
        )
        assert min(sizes) >= 24
    # As in the first seconds of a server, on which there is a word in the header more.
    teacher.evaluate("document.querySelector('.lv-workers').textContent = 'workers warming up: 1 of 3'")
    assert teacher.evaluate("document.documentElement.scrollWidth") <= 1366
    last = teacher.locator(".lv-class-card").nth(29).bounding_box()
    assert last["y"] + last["height"] <= 768
    drawn = (
        "[...document.querySelectorAll('.lv-class-curve canvas')].map((canvas) => canvas.getContext('2d')"
        ".getImageData(0, 0, canvas.width, canvas.height).data.some((value) => value > 0))"
    )
    assert teacher.evaluate(drawn) == [True] * 30


@pytest.mark.slow
def test_where_a_filter_holds_the_stream_back_the_class_is_asked_for(teacher):
    message = json.dumps(thirty())
    teacher.route("**/teacher/stream", lambda route: None)  # never answered
    teacher.route(
        "**/teacher/look", lambda route: route.fulfill(body=message, content_type="application/json")
    )
    sign_in(teacher)
    teacher.locator(".lv-class-card").nth(29).wait_for(timeout=20_000)

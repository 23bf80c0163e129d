"""Header, chart, film and status in a real Chromium, over a host that only pretends (see harness/)."""

import json
import socket
import threading

import pytest

from tests.browser.harness.fake_host import FakeHost, FakeRun
from tests.browser.harness.serve import a_class, launch

pytestmark = pytest.mark.browser

WAITING, TRAINING, BROKEN, FINISHED = ("a" * 32, "b" * 32, "c" * 32, "d" * 32)
DESKTOP = {"width": 1366, "height": 625}
PHONE = {"width": 390, "height": 844}

# What a canvas was told to write and how many strokes it drew: a picture cannot be read, its orders can.
SPY = """
window.written = []; window.strokes = 0;
const pen = CanvasRenderingContext2D.prototype;
const {fillText, lineTo} = pen;
pen.fillText = function (words, ...rest) {
    window.written.push(words);
    return fillText.call(this, words, ...rest);
};
pen.lineTo = function (...point) { window.strokes += 1; return lineTo.apply(this, point); };
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def stage():
    """The fake host and the address of its page."""
    host = FakeHost()
    a_class(host)
    served = launch(host, free_port())
    yield host, served.local_url
    host.closed = True
    served.close(verbose=False)


@pytest.fixture
def look(stage, page):
    """Open the page on a run and wait until its chart is drawn."""

    def open_page(run: str, viewport=DESKTOP, query: str = ""):
        page.set_viewport_size(viewport)
        page.add_init_script(SPY)
        page.goto(f"{stage[1]}?run={run}{query}")
        page.wait_for_function("window.written?.some((words) => words.startsWith('blind guess'))")
        page.wait_for_timeout(300)
        return page

    return open_page


def new_run(host: FakeHost, **more) -> FakeRun:
    return host.add(FakeRun(f"{len(host.runs):032x}", "Fern Lark", **more))


def shows_step(page, run: FakeRun, step: int) -> None:
    page.wait_for_function(f"window.llmviz.store.data.get('{run.id}')?.step.at(-1) === {step}")
    page.wait_for_timeout(100)


# ---------------------------------------------------------------- the chart


def test_the_first_thing_to_see_is_a_blind_guess(look):
    page = look(WAITING)
    written = page.evaluate("window.written")
    assert "step 0: a blind guess" in written
    assert "blind guess: any of 27 letters" in written
    assert "best possible 0.90" in written
    assert "27" in written  # on the right axis, at ln 27


def test_the_chart_keeps_still_while_the_line_grows(stage, look):
    run = new_run(stage[0])
    page = look(run.id)
    paper, ink, _glass = page.locator(".lv-chart-area canvas").all()
    before = paper.evaluate("canvas => canvas.toDataURL()"), ink.evaluate("canvas => canvas.toDataURL()")
    run.train(80)
    shows_step(page, run, 80)
    assert paper.evaluate("canvas => canvas.toDataURL()") == before[0]
    assert ink.evaluate("canvas => canvas.toDataURL()") != before[1]


def test_a_chart_whose_run_is_gone_for_a_moment_is_drawn_again(stage, look):
    """As when a reader is forgotten while news come in: there is nothing to draw, and then there is again."""
    run = new_run(stage[0])
    page = look(run.id)
    run.train(80)
    shows_step(page, run, 80)
    page.locator(".lv-chart-area").hover(position={"x": 100, "y": 60})
    hidden = page.evaluate(
        """async (run) => {
          const { store } = window.llmviz;
          const drawn = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
          const kept = store.summaries.get(run);
          const area = document.querySelector(".lv-chart-area");
          const hidden = [];
          for (const summary of [undefined, kept]) {
            summary ? store.summaries.set(run, summary) : store.summaries.delete(run);
            store.emit(`metrics:${run}`);
            await drawn();
            area.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowLeft", bubbles: true }));
            await drawn();
            hidden.push(document.querySelector(".lv-tip").hidden);
          }
          return hidden;
        }""",
        run.id,
    )
    assert hidden == [True, False]
    ink = page.locator(".lv-chart-area canvas").nth(1)
    assert ink.evaluate(
        "ink => ink.getContext('2d').getImageData(0, 0, ink.width, ink.height).data.some(Boolean)"
    )


def test_a_click_on_a_chart_without_points_pins_nothing(stage, look):
    run = new_run(stage[0])
    page = look(run.id)
    area = page.locator(".lv-chart-area")
    area.click(position={"x": 100, "y": 60})
    run.train(80)
    shows_step(page, run, 80)
    area.hover(position={"x": 40, "y": 60})
    page.wait_for_selector(".lv-tip:not([hidden])", timeout=3000)


def test_an_update_costs_little_however_long_the_history(stage, look):
    run = new_run(stage[0], max_steps=6000)
    run.train(5000)
    page = look(run.id)
    shows_step(page, run, 5000)
    page.evaluate("window.strokes = 0")
    run.train(10)
    shows_step(page, run, 5010)
    assert page.evaluate("window.strokes") < 300


COUNT_FRAMES = """async (milliseconds) => {
    let frames = 0, counting = true;
    const count = () => { frames += 1; if (counting) requestAnimationFrame(count); };
    count();
    await new Promise((done) => setTimeout(done, milliseconds));
    counting = false;
    return frames / milliseconds * 1000;
}"""


@pytest.mark.slow
def test_frames_keep_coming_while_points_arrive(stage, look):
    run = new_run(stage[0], max_steps=6000)
    run.train(5000)
    page = look(run.id)
    idle = page.evaluate(COUNT_FRAMES, 2000)
    training = threading.Thread(target=stage[0].play, args=(run,), kwargs={"rate": 60, "until": 5120})
    training.start()
    live = page.evaluate(COUNT_FRAMES, 2000)
    training.join()
    print(f"{live:.0f} frames a second with 5,000 records, {idle:.0f} when nothing arrives")
    assert live > idle / 2  # a ratio, for the machine may be busy


def test_hover_reads_exact_values_and_a_click_pins_them(look):
    page = look(TRAINING)
    area = page.locator(".lv-chart-area")
    box = area.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + box["height"] / 2)
    tip = page.locator(".lv-tip")
    tip.wait_for()
    text = tip.inner_text()
    assert "training loss" in text
    assert "chooses among about" in text
    step = int(tip.locator("b").first.inner_text())
    index, loss = page.evaluate(
        f"(() => {{ const d = window.llmviz.store.data.get('{TRAINING}'); const i = d.step.indexOf({step});"
        " return [i, d.loss[i]]; })()"
    )
    assert index >= 0
    assert f"{loss:.4f}" in text
    page.mouse.click(box["x"] + box["width"] * 0.3, box["y"] + box["height"] / 2)
    page.mouse.move(5, 5)
    assert tip.is_visible()
    area.press("Escape")
    tip.wait_for(state="hidden")


def test_arrow_keys_move_the_cursor_and_say_the_value(look):
    page = look(TRAINING)
    area = page.locator(".lv-chart-area")
    area.focus()
    area.press("End")
    last = area.get_attribute("aria-valuetext")
    area.press("ArrowLeft")
    assert area.get_attribute("aria-valuetext") != last
    assert "training loss" in area.get_attribute("aria-valuetext")
    area.press("Home")
    page.wait_for_selector(".lv-chart-area[aria-valuenow='1']")


def test_log_steps_and_tail_change_the_axes(look):
    page = look(TRAINING)
    page.evaluate("window.written = []")
    page.get_by_role("button", name="Log steps").click()
    page.wait_for_function("window.written.includes('10')")
    page.evaluate("window.written = []")
    page.get_by_role("button", name="Zoom to tail").click()
    page.wait_for_function("window.written.length > 5")
    assert "blind guess: any of 27 letters" not in page.evaluate("window.written")


def test_the_chart_offers_its_table(look):
    page = look(FINISHED)
    page.get_by_role("button", name="Table").click()
    panel = page.locator(".lv-table-panel")
    assert panel.locator("tbody tr").count() > 20
    assert panel.get_by_role("link", name="All as CSV").get_attribute("href").endswith("/metrics.csv")
    page.keyboard.press("Escape")
    assert panel.is_hidden()


def test_live_changes_are_marked(look):
    page = look(TRAINING)
    assert "◆" in page.evaluate("window.written")


def test_only_what_was_edited_is_changed_and_what_holds_is_shown(stage, look):
    host, run = stage[0], new_run(stage[0])
    run.train(300)
    page = look(run.id)
    page.get_by_role("button", name="More").click()
    rate, dropout = (page.locator(f"#lv-live-{name}") for name in ("learning_rate", "dropout"))
    press, said = page.get_by_role("button", name="Change it now"), page.locator("form.lv-live .lv-said")

    def change(**fields: str) -> list[dict]:
        for name, value in fields.items():
            page.locator(f"#lv-live-{name}").fill(value)
        known = len(run.changes)
        press.click()
        page.wait_for_function("document.querySelector('form.lv-live .lv-said').textContent")
        return run.changes[known:]

    assert (rate.input_value(), dropout.input_value()) == ("0.005", "0")
    assert change() == []
    assert "Nothing is different" in said.inner_text()
    assert change(learning_rate="", dropout="") == []
    assert "first" in said.inner_text()
    assert change(learning_rate="0.0050", dropout="0.2") == [{"step": 300, "dropout": 0.2}]
    assert change() == []
    run.train(100)
    host.change(run.id, "", {"learning_rate": 0.001})  # from another tab
    page.wait_for_function("document.querySelector('#lv-live-learning_rate').value === '0.001'")
    page.keyboard.press("Escape")
    page.locator(".lv-headline").click()
    passport = page.locator(".lv-passport").inner_text()
    assert "learning rate 0.005, from step 400 on 0.001" in passport
    assert "0, from step 300 on 0.2" in passport


@pytest.mark.parametrize("of_form", [False, True])
def test_a_complaint_goes_when_the_next_command_is_taken_unless_it_is_about_the_form(stage, look, of_form):
    run = new_run(stage[0])
    run.train(30)
    page = look(run.id)
    page.get_by_role("button", name="More").click()
    page.evaluate(
        """async (ofForm) => {
          const { complain } = await import("/gradio_api/llmviz/assets/js/page.js");
          complain(["Learning rate cannot be 5."], ofForm);
        }""",
        of_form,
    )
    assert page.locator(".lv-complaint").count() == 1
    page.locator("#lv-live-dropout").fill("0.2")
    page.get_by_role("button", name="Change it now").click()
    page.wait_for_function("document.querySelector('form.lv-live .lv-said').textContent")
    assert page.locator(".lv-complaint").count() == of_form


# ---------------------------------------------------------------- the film


def test_film_rows_stand_from_the_first_moment_and_never_move(stage, look):
    run = new_run(stage[0])
    page = look(run.id)
    page.wait_for_selector(".lv-film-text .lv-word")
    where = "[...document.querySelectorAll('.lv-film-row')].map((row) => row.getBoundingClientRect().y)"
    before = page.evaluate(where)
    assert page.locator(".lv-film-step").all_inner_texts() == ["0", "4", "16", "64", "256", "now"]
    run.train(300)
    page.wait_for_function("document.querySelectorAll('.lv-film-row')[4].textContent.includes('park')")
    assert page.evaluate(where) == before


def test_a_model_that_diverged_chooses_among_no_number_of_a_hundred_digits(look):
    page = look(FINISHED)
    told = page.evaluate(
        """async () => {
          const { formatChoices } = await import("/gradio_api/llmviz/assets/js/dom.js");
          return [2.04, 52.6, 999_999, 1e6, 1e43, Infinity].map(formatChoices);
        }"""
    )
    assert told == ["2", "53", "999,999", "a million or more", "a million or more", "?"]


def test_the_shipped_model_says_why_it_cannot_be_renamed(stage, look):
    shipped = next(run.id for run in stage[0].runs.values() if run.shipped)
    for name in ("Rename", "Delete"):
        button = look(shipped).locator(".lv-run-file button", has_text=name)
        assert button.is_disabled() and "ships with LLMViz" in button.get_attribute("title")


@pytest.mark.parametrize("status", ["stopped", "failed"])
def test_a_run_that_ended_early_has_no_rows_after_its_end(stage, look, status):
    run = new_run(stage[0])
    run.train(46)
    run.status = status
    if status == "failed":  # then it has written nothing at its end
        run.events = [event for event in run.events if event["kind"] != "now"]
    page = look(run.id)
    page.wait_for_selector(".lv-film-text .lv-word")
    assert page.locator(".lv-film-step").all_inner_texts() == ["0", "4", "16", "46"]
    last = page.locator(".lv-film-text").last.inner_text()
    assert (last == "·") == (status == "failed"), "what it wrote at 16 stands there once"


def test_on_a_phone_a_word_longer_than_the_row_is_seen(look):
    page = look(FINISHED, viewport=PHONE)
    page.locator(".lv-film-row .lv-word").first.wait_for()
    tops = page.locator(".lv-film-text").first.evaluate(
        """(row) => {
            row.textContent = "ab " + "q".repeat(60);
            return [0, 3].map((at) => {
                const range = document.createRange();
                range.setStart(row.firstChild, at);
                range.setEnd(row.firstChild, at + 1);
                return range.getBoundingClientRect().top;
            });
        }"""
    )
    assert tops[0] == tops[1]


def test_words_of_the_corpus_are_underlined_new_ones_dotted_and_bytes_are_chips(look):
    page = look(FINISHED)
    row = page.locator(".lv-film-row").nth(2)
    row.locator(".lv-word").first.wait_for()
    assert "the" in row.locator(".lv-word:not(.lv-new)").all_inner_texts()
    assert "hesh" in row.locator(".lv-new").all_inner_texts()
    assert row.locator(".lv-chip").inner_text() == "⟨B5⟩"


def test_a_beginning_of_the_readers_fills_every_row_and_stays_text(look):
    page = look(FINISHED)
    attack = "<img src=x onerror=window.owned=1>${window.owned=1}"
    page.get_by_label("Your own beginning").fill(attack)
    page.get_by_role("button", name="Write").click()
    page.wait_for_function("document.querySelectorAll('.lv-film-row .lv-prompt').length >= 5")
    assert page.locator(".lv-prompt").first.inner_text() == attack
    assert page.evaluate("window.owned") is None
    assert "onerror" not in page.url


# ---------------------------------------------------------------- the header


def test_the_picker_lists_shipped_and_mine(stage, look):
    paused = new_run(stage[0])
    paused.status = "paused"
    page = look(FINISHED)
    picker = page.get_by_label("Model", exact=True)
    groups = picker.locator("optgroup").evaluate_all("groups => groups.map((group) => group.label)")
    assert groups[:2] == ["Ships with LLMViz", "My models"]
    picker.select_option("stories-small")
    page.wait_for_function("location.search.includes('run=stories-small')")
    assert page.get_by_role("link", name="Save my model").is_hidden()
    picker.select_option(FINISHED)
    page.get_by_role("link", name="Save my model").wait_for(state="visible")
    picker.select_option(TRAINING)
    page.get_by_role("link", name="Save my model").wait_for(state="hidden")
    picker.select_option(paused.id)
    page.get_by_role("link", name="Save my model").wait_for(state="visible")


def test_the_time_machine_moves_by_arrow_keys(look):
    page = look(FINISHED)
    scrubber = page.get_by_label("Time machine")
    newest = page.locator(".lv-headline").inner_text()
    scrubber.focus()
    scrubber.press("ArrowLeft")
    page.wait_for_function("location.search.includes('step=512')")
    scrubber.press("Home")
    page.wait_for_function("/[?&]step=0(&|$)/.test(location.search)")
    page.wait_for_function(
        "before => document.querySelector('.lv-headline').innerText !== before", arg=newest
    )
    page.wait_for_function("window.written.join().includes('step 0')")
    scrubber.press("End")
    page.wait_for_function("!location.search.includes('step=')")


def test_the_passport_opens_and_closes_by_keyboard(look):
    page = look(FINISHED)
    headline = page.locator(".lv-headline")
    headline.focus()
    headline.press("Enter")
    passport = page.get_by_role("dialog", name="Passport")
    text = passport.inner_text()
    for name in ("parameters", "bits per byte", "validation loss", "letters seen", "seed"):
        assert name in text
    page.keyboard.press("Escape")
    assert passport.is_hidden()
    assert headline.evaluate("button => button === document.activeElement")


def test_share_works_without_a_clipboard(look):
    page = look(FINISHED)
    page.evaluate("""() => {
        Object.defineProperty(navigator, 'clipboard', { value: undefined });
        document.execCommand = () => false;
    }""")
    page.get_by_role("button", name="Share").click()
    field = page.get_by_label("Link to this model")
    assert FINISHED in field.input_value()


def test_workers_that_warm_up_are_seen(stage, look):
    stage[0].ready = 1
    try:
        page = look(WAITING)
        page.wait_for_function("document.body.innerText.includes('workers warming up: 1 of 2')")
    finally:
        stage[0].ready = 2


# ---------------------------------------------------------------- the status line


def test_the_status_says_it_in_words(look):
    page = look(FINISHED)
    line = page.locator(".lv-status-line").inner_text()
    assert "Chooses among about 2.7 letters (started at 27; best possible 2.5)" in line
    assert "finished, step 700 of 700" in line
    assert "First guess right" in line
    page.get_by_label("Model", exact=True).select_option(WAITING)
    page.wait_for_function("document.querySelector('.lv-state')?.textContent.includes('next in 0.4 s')")


def test_a_run_that_failed_offers_a_way_on(stage, look):
    page = look(BROKEN)
    height = page.evaluate("document.documentElement.scrollHeight")
    assert height <= DESKTOP["height"]
    assert "not a number" in page.locator(".lv-notice").inner_text()
    page.get_by_role("button", name="Try again with a lower learning rate").click()
    page.wait_for_function(f"window.llmviz.store.selection.run !== '{BROKEN}'")
    assert (BROKEN, "retry") in stage[0].commands


def test_in_company_the_status_says_the_share(stage, look):
    run = new_run(stage[0])
    run.train(100)
    page = look(run.id)
    said = "document.querySelector('.lv-state')?.textContent"
    page.wait_for_function(f"{said} === '1 of 5 training now, step 100 of 600; about 10 s left at this pace'")
    run.rivals = 1
    page.wait_for_function(f"{said} === 'training, step 100 of 600, about 10 s left'")


def test_a_run_paused_while_nobody_watched_goes_on_with_one_click(stage, look):
    run = new_run(stage[0])
    run.train(100)
    run.notice("unwatched", "Nobody looked at this run for over 20 minutes, so it was paused.")
    run.status = "paused"
    page = look(run.id)
    assert "over 20 minutes" in page.locator(".lv-notice").inner_text()
    page.locator(".lv-notice").get_by_role("button", name="Resume").click()
    page.wait_for_selector(".lv-notice", state="hidden")
    assert (run.id, "resume") in stage[0].commands
    assert page.evaluate("window.llmviz.store.selection.run") == run.id


def test_there_is_one_polite_voice_and_it_does_not_chatter(stage, look):
    run = new_run(stage[0])
    page = look(run.id)
    page.wait_for_selector(".lv-voice", state="attached")
    page.evaluate("""() => {
        window.said = 0;
        new MutationObserver(() => { window.said += 1; })
            .observe(document.querySelector('.lv-voice'), { childList: true, characterData: true });
    }""")
    for _ in range(10):
        run.train(4)
        page.wait_for_timeout(200)
    assert page.evaluate("window.said") <= 1
    assert page.locator(":is(.lv-header, .lv-chart, .lv-film, .lv-status) [aria-live=polite]").count() == 0


# ---------------------------------------------------------------- the stream


def test_an_outage_is_said_and_then_caught_up(stage, look):
    run = new_run(stage[0], max_steps=2000)
    page = look(run.id)
    run.train(50)
    shows_step(page, run, 50)
    page.context.set_offline(True)
    page.wait_for_selector(".lv-offline", timeout=10_000)
    run.train(400)
    page.context.set_offline(False)
    shows_step(page, run, 450)
    assert page.evaluate(f"window.llmviz.store.data.get('{run.id}').step") == list(range(1, 451))
    assert page.locator(".lv-offline").count() == 0


def test_a_hidden_tab_closes_its_stream(stage, look):
    run = new_run(stage[0])
    page = look(run.id)
    hide = """(hidden) => {
        Object.defineProperty(document, 'hidden', { configurable: true, get: () => hidden });
        document.dispatchEvent(new Event('visibilitychange'));
    }"""
    page.evaluate(hide, True)
    run.train(60)
    page.wait_for_timeout(1200)
    assert page.evaluate(f"window.llmviz.store.data.get('{run.id}').step.length") == 0
    page.evaluate(hide, False)
    shows_step(page, run, 60)


FOLDING = """async (messages) => {
    const { emptyColumns, foldMetrics } = await import('/gradio_api/llmviz/assets/js/records.js');
    const columns = emptyColumns();
    const outcomes = messages.map((message) => foldMetrics(columns, message));
    return { outcomes, step: columns.step, evals: columns.evals, cursor: columns.cursors.metrics };
}"""


def message(start: int, steps: list[int], **more) -> dict:
    return {
        "from": start,
        "to": start + 10,
        "reset": False,
        "step": steps,
        "loss": [1.0] * len(steps),
        **more,
    }


def test_records_fold_as_the_server_means_them(look):
    page = look(WAITING)
    folded = page.evaluate(
        FOLDING,
        [
            message(0, [1]),  # nothing is known yet: what came before?
            message(0, [1, 2, 3, 4], reset=True, evals=[[0, 3.0, 0, False], [4, 1.0, 0, False]]),
            message(0, [4]),  # known
            message(20, [9]),  # something in between is missing
            message(10, [3, 4, 5], rewind=3, evals=[[5, 0.9, 0, False]]),
            message(20, [6], evals=[[5, 0.8, 0, True]]),
        ],
    )
    assert folded["outcomes"] == ["gap", "redraw", "known", "gap", "redraw", "new"]
    assert folded["step"] == [1, 2, 3, 4, 5, 6]
    assert folded["evals"] == [[0, 3.0, 0, False], [5, 0.8, 0, True]]
    assert folded["cursor"] == 30


# ---------------------------------------------------------------- every reader


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_colours_have_enough_contrast(look, theme):
    page = look(TRAINING, query=f"&__theme={theme}")
    ratios = page.evaluate("""async () => {
        const { colors } = await import('/gradio_api/llmviz/assets/js/core.js');
        const probe = document.body.appendChild(document.createElement('i'));
        const light = (colour) => {
            probe.style.color = colour;
            const parts = getComputedStyle(probe).color.match(/[\\d.]+/g).slice(0, 3);
            const [r, g, b] = parts.map((v) => v / 255)
                .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
            return 0.2126 * r + 0.7152 * g + 0.0722 * b;
        };
        const palette = colors();
        const paper = light(palette.surface);
        const contrast = (c) => (Math.max(light(c), paper) + 0.05) / (Math.min(light(c), paper) + 0.05);
        const names = ['ink', 'muted', 'accent', 'training', 'validation', 'blind', 'best', 'notice'];
        return Object.fromEntries(names.map((name) => [name, contrast(palette[name])]));
    }""")
    assert all(ratio >= 4.5 for ratio in ratios.values()), json.dumps(ratios)


def test_projector_mode_is_large_thick_and_light(look):
    page = look(TRAINING, query="&__theme=dark")
    page.keyboard.press("p")
    page.wait_for_timeout(300)
    small = page.evaluate("""() => [...document.querySelectorAll('[class*=lv-]')]
        .filter((node) => node.offsetParent)
        .filter((node) => [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim()))
        .filter((node) => !node.closest('.lv-visually-hidden'))
        .filter((node) => parseFloat(getComputedStyle(node).fontSize) < 24).map((node) => node.className)""")
    assert small == []
    assert not page.evaluate("document.body.classList.contains('dark')")
    width = page.evaluate("parseFloat(getComputedStyle(document.body).getPropertyValue('--lv-stroke'))")
    assert width >= 4
    page.keyboard.press("p")
    assert page.evaluate("document.body.classList.contains('dark')")


def test_p_is_a_letter_where_one_types(look):
    page = look(TRAINING)
    page.get_by_label("Your own beginning").press_sequentially("pip")
    assert not page.evaluate("document.documentElement.classList.contains('lv-projector')")


def test_on_a_phone_everything_can_be_touched(look):
    page = look(TRAINING, viewport=PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    for target in page.locator(
        ":is(.lv-header, .lv-chart, .lv-film) :is(button, select, input):visible"
    ).all():
        if "lv-film-step" not in (target.get_attribute("class") or ""):
            assert target.bounding_box()["height"] >= 44, target.evaluate("node => node.outerHTML")

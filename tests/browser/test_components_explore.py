"""The Attention, Tokens and Sample panels in a real browser, over routes whose numbers are known."""

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

playwright = pytest.importorskip("playwright.sync_api")

sys.path.insert(0, str(Path(__file__).parent))  # pytest's importlib mode knows no siblings
from explore_harness import STORY, Explore, attention_weights, cut, serve  # noqa: E402

pytestmark = pytest.mark.browser

TOKENS = cut(STORY, "tokens")


@pytest.fixture
def harness() -> Iterator[tuple[str, Explore]]:
    with serve() as running:
        yield running


@pytest.fixture
def open_page(chromium: playwright.Browser, harness: tuple[str, Explore]) -> Iterator[Callable]:
    """open_page("tab=sample", width=…, height=…) → a page; afterwards nothing may have gone wrong in it."""
    contexts, wrong = [], []

    def open_(query: str, width: int = 1366, height: int = 625, **options: object) -> playwright.Page:
        context = chromium.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on(
            "console",
            lambda said: said.type == "error" and "404" not in said.text and wrong.append(said.text),
        )
        page.goto(f"{harness[0]}?{query}")
        return page

    yield open_
    for context in contexts:
        context.close()
    assert not wrong


def asked(explore: Explore, kind: str) -> list[dict]:
    return [payload for name, payload in explore.asked if name == kind]


def wait_until(condition: Callable[[], object], seconds: float = 5) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def select(page: playwright.Page, selection: str) -> None:
    page.evaluate(f"llmviz.select({selection})")


# ---------------------------------------------------------------- attention


def choose_head(page: playwright.Page, layer: int, head: int) -> None:
    page.get_by_role("radio", name=f"Block {layer + 1}").click()
    page.get_by_role("radio", name=f"Head {head + 1}", exact=True).click()


def cell_at(page: playwright.Page, row: int, col: int, count: int) -> dict[str, float]:
    """Where a cell of the large map is on the page."""
    canvas = page.locator(".grid-canvas")
    box = canvas.bounding_box()
    left, top, side = map(float, canvas.get_attribute("data-cells").split())
    return {
        "x": box["x"] + left + side / count * (col + 0.5),
        "y": box["y"] + top + side / count * (row + 0.5),
    }


def quantised(weight: float) -> float:
    """A weight as it arrives after its journey as one byte."""
    return float((np.rint(np.sqrt(weight) * 255) / 255) ** 2)


def test_shipped_attention_is_drawn_without_a_job(open_page: Callable, harness: tuple[str, Explore]) -> None:
    page = open_page("tab=attention")
    page.wait_for_selector(".strip-token")
    assert page.locator(".strip-token").count() == len(TOKENS)
    page.wait_for_function("document.querySelector('.grid-canvas')?.width > 300")
    assert page.locator(".attention-body .which").text_content() == "weights of step 1,000"
    assert asked(harness[1], "attention") == []


def test_hovering_a_cell_reads_its_weight_and_lights_its_tokens(open_page: Callable) -> None:
    page = open_page("tab=attention")
    page.wait_for_selector(".strip-token")
    choose_head(page, 0, 2)  # pronouns look at names
    row, col = TOKENS.index(b" She"), TOKENS.index(b"Mia")
    at = cell_at(page, row, col, len(TOKENS))
    page.mouse.move(at["x"], at["y"])
    weight = attention_weights(TOKENS, 1000)[0, 2, row, col]
    page.wait_for_function("document.querySelector('.sentence')?.textContent.startsWith('She looks at Mia')")
    expected = f"row {row + 1}, column {col + 1} · weight {quantised(weight):.3f} · block 1, head 3"
    assert page.locator(".numbers").text_content() == expected
    assert abs(quantised(weight) - weight) < 0.004
    assert page.locator(".strip-token.chosen").inner_text().strip().endswith("She")
    assert page.locator(".strip-token.target").inner_text().strip().endswith("Mia")


def test_a_click_pins_and_the_strip_hovers_back(open_page: Callable) -> None:
    page = open_page("tab=attention")
    page.wait_for_selector(".strip-token")
    choose_head(page, 0, 2)
    she = TOKENS.index(b" She")
    page.locator(".strip-token").nth(she).click()
    page.mouse.move(5, 5)
    assert page.locator(".numbers").text_content().startswith(f"row {she + 1}, column 1 ·")
    page.locator(".strip-token").nth(3).hover()
    assert page.locator(".numbers").text_content().startswith("row 4,")
    page.mouse.move(5, 5)
    page.wait_for_function(f"document.querySelector('.numbers')?.textContent.startsWith('row {she + 1},')")


def test_arrow_keys_move_the_cell_and_say_it(open_page: Callable) -> None:
    page = open_page("tab=attention")
    page.wait_for_selector(".strip-token")
    at = cell_at(page, 5, 2, len(TOKENS))
    page.mouse.click(at["x"], at["y"])
    page.mouse.move(5, 5)
    page.locator(".grid-canvas").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    assert page.locator(".numbers").text_content().startswith("row 7, column 4 ·")
    assert "row 7, column 4" in page.locator("[aria-live=polite].unseen-voice").text_content()
    for _ in range(20):
        page.keyboard.press("ArrowRight")  # the masked half has nothing to read
    assert page.locator(".numbers").text_content().startswith("row 7, column 7 ·")


def test_masked_cells_say_so_and_are_not_coloured_as_zero(open_page: Callable) -> None:
    page = open_page("tab=attention")
    page.wait_for_selector(".strip-token")
    at = cell_at(page, 2, 9, len(TOKENS))
    page.mouse.move(at["x"], at["y"])
    page.wait_for_function("document.querySelector('.numbers')?.textContent.includes('masked')")
    assert "cannot see" in page.locator(".sentence").text_content()


def test_cells_before_a_sliding_window_are_masked_like_later_ones(
    open_page: Callable, harness: tuple[str, Explore], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(harness[1].runs["shipped"]["settings"], "window", 3)
    page = open_page("tab=attention")
    page.wait_for_selector(".strip-token")
    assert "or before the last 3: cannot be seen" in page.locator(".legend").inner_text()
    for col, masked in ((6, True), (7, False), (9, False), (10, True)):
        at = cell_at(page, 9, col, len(TOKENS))
        page.mouse.move(at["x"], at["y"])
        page.wait_for_function(
            f"document.querySelector('.numbers').textContent.startsWith('row 10, column {col + 1} ')"
        )
        assert ("masked" in page.locator(".numbers").text_content()) == masked, col
    assert page.locator(".strip-token").nth(6).get_attribute("class").endswith("unseen")
    inks = page.evaluate(
        """([count, ...places]) => {
            const canvas = document.querySelector(".grid-canvas");
            const [left, top, side] = canvas.dataset.cells.split(" ").map(Number);
            const scale = canvas.width / canvas.clientWidth;
            const cell = side / count;
            return places.map(([row, col]) => {
                const inner = [left + cell * (col + 0.2), top + cell * (row + 0.2), cell * 0.6, cell * 0.6];
                const pixels = canvas.getContext("2d").getImageData(...inner.map(x => x * scale)).data;
                return new Set(new Uint32Array(pixels.buffer)).size;
            });
        }""",
        [len(TOKENS), [8, 0], [8, 7]],
    )
    assert inks[0] > 1, "hatched: lines and gaps"
    assert inks[1] == 1, "one colour"


def test_colours_follow_the_weights(open_page: Callable) -> None:
    page = open_page("tab=attention")
    page.wait_for_selector(".strip-token")
    choose_head(page, 3, 2)
    weights = attention_weights(TOKENS, 1000)[3, 2]
    cells = [(9, 0), (14, 3), (14, 14), (6, 1)]
    drawn = []
    for row, col in cells:
        at = cell_at(page, row, col, len(TOKENS))
        drawn.append(page.evaluate(PIXEL, [at["x"], at["y"]]))
    ramp = page.evaluate(
        "getComputedStyle(document.querySelector('.lvx')).getPropertyValue('--lvx-ramp')"
    ).split(",")
    stops = np.array([[int(stop.strip()[i : i + 2], 16) for i in (1, 3, 5)] for stop in ramp])
    for (row, col), pixel in zip(cells, drawn, strict=True):
        place = np.rint(np.sqrt(weights[row, col]) * 255) / 255 * (len(stops) - 1)
        expected = [np.interp(place, range(len(stops)), stops[:, channel]) for channel in range(3)]
        assert np.allclose(pixel, expected, atol=2)


PIXEL = """([x, y]) => {
    const canvas = document.querySelector('.grid-canvas');
    const box = canvas.getBoundingClientRect();
    return [...canvas.getContext('2d').getImageData(x - box.x, y - box.y, 1, 1).data].slice(0, 3);
}"""


def test_the_map_follows_the_theme(open_page: Callable) -> None:
    page = open_page("tab=attention")
    page.wait_for_selector(".strip-token")
    at = list(cell_at(page, 9, 1, len(TOKENS)).values())
    light = page.evaluate(PIXEL, at)
    page.evaluate("document.body.classList.add('dark')")
    page.wait_for_function(f"({PIXEL})({at})[0] !== {light[0]}")
    dark = page.evaluate(PIXEL, at)
    assert sum(dark) < 250 < 500 < sum(light)


def test_a_row_that_is_not_a_number_has_its_own_colour_and_name(
    open_page: Callable, harness: tuple[str, Explore], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(tokens: list[bytes], step: int, **_: int) -> np.ndarray:
        weights = attention_weights(tokens, step)
        weights[:, :, 4, :] = 0  # how a NaN is packed
        return weights

    monkeypatch.setattr("explore_harness.attention_weights", broken)
    page = open_page("tab=attention&run=letters")
    page.locator("#attention textarea").fill("Mia lost her ball")
    page.wait_for_function("document.querySelectorAll('.strip-token').length === 17")
    page.locator(".strip-token").nth(4).click()
    assert "not a number" in page.locator(".numbers").text_content()
    assert page.locator(".key-nan").is_visible()
    at = cell_at(page, 4, 1, 17)
    assert page.evaluate(PIXEL, [at["x"], at["y"]]) == [0xD4, 0x15, 0x9B]


def test_attention_follows_the_step_and_asks_only_while_seen(
    open_page: Callable, harness: tuple[str, Explore]
) -> None:
    explore = harness[1]
    page = open_page("tab=tokens&run=letters")
    page.wait_for_selector(".chip")
    select(page, "{step: 10}")
    time.sleep(0.5)
    assert asked(explore, "attention") == []  # its tab is hidden
    page.evaluate("document.querySelector('#attention').hidden = false")
    page.locator("#attention textarea").fill("Tom")
    wait_until(lambda: {"run": "letters", "step": 10, "text": "Tom"} in asked(explore, "attention"))
    select(page, "{step: 100}")
    page.wait_for_selector(".attention-body .which:text-is('weights of step 100')")


def test_a_live_run_is_watched_and_looked_at_about_once_a_second(
    open_page: Callable, harness: tuple[str, Explore]
) -> None:
    explore = harness[1]
    explore.runs["letters"] |= {"status": "running", "step": 120}
    page = open_page("tab=attention&run=letters")
    page.locator("#attention textarea").fill("Mia lost")
    page.wait_for_selector(".attention-body .which:text-is('weights of step 120, live')")
    wait_until(lambda: explore.watched[-1] == "letters")
    before = len(asked(explore, "attention"))
    for step in range(121, 151):
        explore.runs["letters"]["step"] = step
        time.sleep(0.1)
    looks = asked(explore, "attention")[before:]
    assert 1 <= len(looks) <= 4
    assert all(look["step"] == "live" for look in looks)
    page.evaluate("document.querySelector('#attention').hidden = true")
    wait_until(lambda: explore.watched[-1] is None)


def test_a_run_that_just_began_reads_a_legible_text_and_ends_on_its_last_weights(
    open_page: Callable, harness: tuple[str, Explore]
) -> None:
    explore = harness[1]
    explore.runs["letters"] |= {"status": "running", "step": 3}
    page = open_page("tab=attention&run=letters")
    page.wait_for_selector(".attention-body .which:text-is('weights of step 3, live')")
    text = page.locator("#attention textarea").input_value()
    assert STORY.startswith(text)
    assert 30 < len(text) <= 64
    explore.runs["letters"] |= {"status": "finished", "step": 700}
    page.wait_for_selector(".attention-body .which:text-is('weights of step 700')")
    assert asked(explore, "attention")[-1]["step"] is None


def test_what_cannot_be_read_is_said_and_text_stays_text(open_page: Callable) -> None:
    page = open_page("tab=attention")
    page.wait_for_selector(".strip-token")
    page.locator("#attention textarea").fill("a § b")
    page.wait_for_selector(".notice:has-text('“§”')")
    page.locator("#attention textarea").fill("<img src=x onerror='window.hacked=1'>${window.hacked=2}")
    page.wait_for_function("document.querySelector('.strip')?.textContent.includes('onerror')")
    assert page.locator(".lvx img").count() == 0
    assert page.evaluate("window.hacked") is None


def test_a_long_text_is_cut_and_said(open_page: Callable) -> None:
    page = open_page("tab=attention&run=letters")
    page.locator("#attention textarea").fill("Mia lost her ball. " * 8)
    page.wait_for_selector(".notice:has-text('The model sees 64 letters at a time')")
    assert page.locator(".strip-token").count() == 64


def test_of_very_many_heads_fewer_tokens_are_drawn_than_the_model_sees(
    open_page: Callable, harness: tuple[str, Explore]
) -> None:
    harness[1].most_drawn = 20
    page = open_page("tab=attention&run=letters")
    page.locator("#attention textarea").fill("Mia lost her ball. " * 2)
    page.wait_for_selector(".notice:has-text('Of the 16 heads of this model, maps of at most 20 letters')")
    assert "The model sees" not in page.locator("#attention .notice").inner_text()
    page.locator("#attention textarea").fill("Mia lost")
    page.wait_for_selector("#attention .notice", state="hidden")


@pytest.mark.slow
def test_a_model_that_takes_long_to_open_is_said_to(
    open_page: Callable, harness: tuple[str, Explore]
) -> None:
    harness[1].opening_seconds = 4.0
    page = open_page("tab=attention&run=letters")
    page.locator("#attention textarea").fill("Mia lost")
    page.wait_for_selector(".notice:has-text('The model is being opened')")
    page.wait_for_function("document.querySelectorAll('.strip-token').length === 8")
    assert not page.locator("#attention .notice").is_visible()


@pytest.mark.slow
def test_so_it_is_where_it_writes(open_page: Callable, harness: tuple[str, Explore]) -> None:
    harness[1].opening_seconds = 4.0
    page = open_page("tab=sample&run=letters")
    page.wait_for_selector("#sample .notice:has-text('The model is being opened')")
    page.wait_for_selector("#sample .bars li")
    page.wait_for_selector("#sample .notice", state="hidden")


def test_a_hundred_and_forty_four_heads_of_128_tokens(
    open_page: Callable, harness: tuple[str, Explore]
) -> None:
    explore = harness[1]
    explore.shape = {"layers": 12, "heads": 12}
    explore.runs["letters"]["settings"]["block_size"] = 128
    page = open_page("tab=attention&run=letters")
    page.locator("#attention textarea").fill(("Mia lost her red ball. " * 6)[:128])
    page.wait_for_function("document.querySelectorAll('.strip-token').length === 128")
    box = page.locator(".mosaic-canvas").bounding_box()
    page.mouse.click(box["x"] + box["width"] * 2.5 / 12, box["y"] + box["height"] * 7.5 / 12)
    assert page.locator(".numbers").text_content().endswith("block 8, head 3")
    assert page.evaluate("document.documentElement.scrollWidth") <= 1366


@pytest.mark.parametrize("tab", ["attention", "tokens", "sample"])
@pytest.mark.parametrize("theme", ["", "dark"])
def test_on_a_phone_nothing_goes_sideways_and_fingers_hit(open_page: Callable, tab: str, theme: str) -> None:
    page = open_page(f"tab={tab}&theme={theme}", 390, 844, has_touch=True)
    page.wait_for_selector(f"#{tab} .chip, #{tab} .bars li")
    page.wait_for_timeout(200)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    small = page.evaluate(SMALL_TARGETS, tab)
    assert small == []


SMALL_TARGETS = """tab => [...document.querySelectorAll(`#${tab} .lvx :is(button, input, textarea, summary)`)]
    .filter((target) => target.offsetParent !== null)
    .filter((target) => target.offsetHeight < 44 || target.offsetWidth < 44)
    .map((target) => target.outerHTML.slice(0, 80))"""


def test_on_a_phone_attention_is_bars_for_the_tapped_token(open_page: Callable) -> None:
    page = open_page("tab=attention", 390, 844, has_touch=True)
    page.wait_for_selector(".strip-token")
    assert not page.locator(".grid-canvas").is_visible()
    page.locator(".strip-token").nth(9).tap()
    assert page.locator(".numbers").text_content().startswith("row 10,")
    assert page.locator(".strip-token .bar").evaluate_all("bars => bars.some((bar) => bar.offsetHeight > 3)")


# ---------------------------------------------------------------- tokens


def test_tokens_ids_and_bytes_of_six_tokenizers(open_page: Callable) -> None:
    page = open_page("tab=tokens")
    page.locator("#tokens textarea").fill("Café 😊")
    page.wait_for_function(
        "document.querySelector('.row[data-name=chars] .row-count b')?.textContent === '6'"
    )
    assert page.locator(".row[data-name=chars] .row-count small").text_content() == "1.67 bytes/token"
    assert page.locator(".row[data-name=bytes] .row-count b").text_content() == "10"
    assert "downloaded" in page.locator(".row[data-name=gpt2] .chips").text_content()
    assert "“😊”" in page.locator(".row[data-name=model] .chips").text_content()
    page.locator(".row[data-name=bytes] .row-title").click()
    hexes = page.locator(".card .hex").all_text_contents()
    assert " ".join(hexes) == "43 61 66 c3 a9 20 f0 9f 98 8a"
    assert page.locator(".card .id").all_text_contents()[-4:] == ["240", "159", "152", "138"]
    page.locator(".row[data-name=chars] .row-title").click()
    assert page.locator(".card .hex").last.text_content() == "f0 9f 98 8a"
    assert "�" not in page.locator("#tokens").inner_text()


def test_a_model_that_cannot_read_the_first_text_begins_with_its_own(
    open_page: Callable, harness: tuple[str, Explore], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(harness[1], "unreadable", "Once")
    page = open_page("tab=tokens")
    page.wait_for_function("document.querySelector('#tokens textarea')?.value.startsWith('Mia lost her')")
    page.wait_for_selector(".chips[data-name=model] .chip")
    page.get_by_role("button", name="Story", exact=True).click()  # a reader's choice is left alone
    page.wait_for_selector(".row.failed[data-name=model]")
    page.wait_for_timeout(300)
    assert page.locator("#tokens textarea").input_value().startswith("Once")


def test_pointing_at_a_token_lights_its_card_and_the_same_bytes_elsewhere(open_page: Callable) -> None:
    page = open_page("tab=tokens")
    page.locator("#tokens textarea").fill("Mia ran")
    page.wait_for_function("document.querySelectorAll('.card').length === 2")
    page.locator(".row[data-name=model] .chip").nth(1).hover()  # " ran"
    assert page.locator(".row[data-name=chars] .lit").all_inner_texts() == ["·", "r", "a", "n"]
    assert page.locator(".card.lit .hex").all_text_contents() == ["20 72 61 6e"]
    page.locator(".card").nth(0).hover()
    assert page.locator(".row[data-name=model] .lit").all_inner_texts() == ["Mia"]
    page.locator(".card").nth(0).focus()
    page.keyboard.press("ArrowRight")
    assert page.locator(".row[data-name=model] .lit").all_inner_texts() == ["·ran"]


def test_whitespace_shows(open_page: Callable) -> None:
    page = open_page("tab=tokens")
    page.locator("#tokens textarea").fill("a\n\tb\u200b")
    page.wait_for_function("document.querySelectorAll('.row[data-name=chars] .chip').length === 5")
    assert page.locator(".row[data-name=chars] .chip").all_inner_texts() == ["a", "⏎", "⇥", "b", "⟨U+200B⟩"]


# ---------------------------------------------------------------- sample

FILTER = """async ([logits, settings]) => {
    const { filterLogits } = await import('/gradio_api/llmviz/assets/js/logits.js');
    const { after, reason, kept } = filterLogits(Float32Array.from(logits), settings);
    return { after: [...after], reason: [...reason], kept };
}"""


def test_the_filters_are_those_of_transformers(open_page: Callable) -> None:
    torch = pytest.importorskip("torch")
    processors = pytest.importorskip("transformers.generation.logits_process")
    page = open_page("tab=tokens")
    dice = np.random.default_rng(0)
    for trial in range(60):
        size = int(dice.integers(2, 300))
        logits = (dice.standard_normal(size) * dice.uniform(0.3, 6)).astype(np.float32)
        if trial % 5 == 0:
            logits = np.round(logits)  # ties
        settings = {
            "temperature": float(dice.choice([0.3, 0.8, 1.0, 2.0])),
            "top_k": int(dice.choice([0, 1, 3, size, size + 5])),
            "top_p": float(dice.choice([1.0, 0.95, 0.5, 0.05])),
        }
        if trial % 5 == 0:
            settings["top_p"] = 1.0  # among equals transformers' choice follows its sort
        scores = processors.TemperatureLogitsWarper(settings["temperature"])(None, torch.tensor(logits)[None])
        if settings["top_k"]:
            scores = processors.TopKLogitsWarper(settings["top_k"])(None, scores)
        if settings["top_p"] < 1:
            scores = processors.TopPLogitsWarper(settings["top_p"])(None, scores)
        expected = scores.softmax(-1)[0].numpy()
        found = page.evaluate(FILTER, [logits.tolist(), settings])
        assert np.allclose(found["after"], expected, atol=1e-6), settings
        allowed = scores[0].isfinite().tolist()
        assert found["kept"] == sum(allowed)
        assert [why == 0 for why in found["reason"]] == allowed


def test_temperature_zero_takes_the_likeliest(open_page: Callable) -> None:
    page = open_page("tab=tokens")
    settings = {"temperature": 0, "top_k": 0, "top_p": 1}
    assert page.evaluate(FILTER, [[1.0, 3.0, 3.0], settings])["after"] == [0, 1, 0]


def test_a_shipped_sample_is_there_at_once_and_its_tokens_can_be_pointed_at(open_page: Callable) -> None:
    page = open_page("tab=sample")
    page.wait_for_selector(".output:has-text('red ball')")
    assert page.locator(".page").text_content() == STORY
    page.locator(".page").hover()
    page.wait_for_selector(".written-token")
    assert page.locator(".page").text_content() == STORY
    page.locator(".written-token").nth(1).hover()
    assert "bytes 20 62 61 6c 6c" in page.locator(".readout").text_content()


def test_text_streams_and_stops(open_page: Callable, harness: tuple[str, Explore]) -> None:
    explore = harness[1]
    explore.token_seconds = 0.1
    page = open_page("tab=sample&run=letters")
    page.locator("#sample textarea").fill("Mia")
    page.get_by_role("button", name="Write").click()
    page.wait_for_function("document.querySelectorAll('.written-token').length >= 2")
    assert page.get_by_role("button", name="Write").is_disabled()
    page.get_by_role("button", name="Stop").click()
    wait_until(lambda: ("gone", {"route": "job/sample"}) in explore.asked)
    count = page.locator(".written-token").count()
    time.sleep(0.4)
    assert page.locator(".written-token").count() == count < 120
    assert page.locator("#sample .which").text_content().startswith("stopped after")
    sent = asked(explore, "sample")[0]
    assert sent == {
        **{"run": "letters", "step": None, "prompt": "Mia", "seed": 42},
        **{"temperature": 0.8, "top_k": 0, "top_p": 1, "max_new_tokens": 120},
    }


def test_a_letter_spread_over_tokens_is_put_together(
    open_page: Callable, harness: tuple[str, Explore]
) -> None:
    harness[1].token_seconds = 0
    page = open_page("tab=sample&run=letters")
    page.locator("#sample .slider-max_new_tokens input[type=number]").fill("8")
    page.get_by_role("button", name="Write").click()
    page.wait_for_selector("#sample .which:has-text('wrote 8 letters')")
    assert page.locator(".output").text_content() == " 😊 Mi"
    page.locator(".written-token").nth(1).hover()
    assert "id 1, 2, 3, 4" in page.locator(".readout").text_content()
    assert "bytes f0 9f 98 8a" in page.locator(".readout").text_content()


def test_sliders_reshape_the_bars_without_the_server(
    open_page: Callable, harness: tuple[str, Explore]
) -> None:
    explore = harness[1]
    page = open_page("tab=sample&run=letters")
    page.locator("#sample textarea").fill("Mia lost")
    wait_until(lambda: any(payload["text"] == "Mia lost" for payload in asked(explore, "logits")))
    page.wait_for_selector(".bars-title:has-text('Mia lost')")
    assert page.locator(".bars li").count() == 20
    before = page.locator(".bars .value").all_text_contents()
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.locator(".slider-temperature input[type=range]").fill("1.6")
    page.wait_for_function(f"document.querySelector('.bars .value').textContent !== {before[0]!r}")
    page.locator(".slider-top_k input[type=number]").fill("9")
    page.locator(".slider-top_p input[type=number]").fill("0.8")
    page.wait_for_selector(".bars .value:has-text('cut by top-p')")
    values = page.locator(".bars .value").all_text_contents()
    assert values[9:] == ["cut by top-k"] * 11
    assert "cut by top-p" in values[:9]
    assert requests == []
    assert page.locator(".bars li.cut").count() == sum("cut" in value for value in values)


def test_sliders_stand_where_the_run_writes_until_the_reader_moves_one(
    open_page: Callable, harness: tuple[str, Explore]
) -> None:
    page = open_page("tab=sample&run=letters")
    values = "[...document.querySelectorAll('#sample .slider .number')].map((field) => Number(field.value))"
    page.wait_for_function("window.llmviz?.store.summaries.get('letters')?.settings")
    standard = page.evaluate(values)
    page.evaluate(
        """() => {
            const { store, select } = window.llmviz;
            const letters = store.summaries.get("letters");
            const settings = { ...letters.settings, temperature: 0.7, top_p: 0.9, max_new_tokens: 33 };
            for (const id of ["careful", "wild"])
                store.summaries.set(id, { ...letters, id, settings: { ...settings, top_k: id.length } });
            select({ run: "careful" });
        }"""
    )
    page.wait_for_function(f"{values}.includes(33)")
    assert {0.7, 0.9, 7} <= set(page.evaluate(values)) != set(standard)
    page.locator(".slider-temperature input[type=range]").fill("1.6")
    page.evaluate("window.llmviz.select({ run: 'wild' })")
    page.wait_for_timeout(300)
    assert {1.6, 7} <= set(page.evaluate(values))


def test_the_vocabulary_travels_once_a_run(open_page: Callable, harness: tuple[str, Explore]) -> None:
    explore = harness[1]
    page = open_page("tab=sample")
    page.wait_for_selector(".bars li")
    page.locator("#sample textarea").fill("Tom")
    page.wait_for_selector(".bars-title:has-text('Tom')")
    assert [payload["vocab"] for payload in asked(explore, "logits")] == [True, False]


def test_a_written_token_shows_what_it_was_chosen_from(
    open_page: Callable, harness: tuple[str, Explore]
) -> None:
    explore = harness[1]
    explore.token_seconds = 0
    page = open_page("tab=sample")
    page.get_by_role("button", name="Write").click()
    page.wait_for_selector("#sample .which:has-text('wrote')")
    page.locator(".written-token", has_text="Mia").first.click()
    page.wait_for_selector(".bars-title:has-text('was chosen from')")
    assert asked(explore, "logits")[-1]["text"] == "Mia lost her 😊"


def test_copying_needs_no_secure_page(open_page: Callable, harness: tuple[str, Explore]) -> None:
    page = open_page("tab=sample", permissions=["clipboard-read"])
    page.wait_for_selector(".output:has-text('red ball')")
    page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined, configurable: true })")
    page.get_by_role("button", name="Copy").click()
    page.wait_for_selector("button:has-text('Copied')")
    page.evaluate("delete navigator.clipboard")
    assert page.evaluate("navigator.clipboard.readText()") == STORY

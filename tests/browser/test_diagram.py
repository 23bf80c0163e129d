"""The diagram of the model follows the form, with the shapes and costs of what would be trained."""

import pytest

from llmviz.settings import FIELDS
from llmviz.ui.controls import form_settings
from tests.browser.driving import choose, open_app

pytestmark = pytest.mark.browser


def open_diagram(page, app_server):
    open_app(page, app_server)
    page.locator("#lv-toolbar button", has_text="Model").click()
    page.wait_for_selector(".lv-diagram-part")


def parts(page) -> list[list[str]]:
    """The texts of every part: name, shape, parameters, operations."""
    texts = "[...part.querySelectorAll('span:not(.lv-diagram-costs)')].map(text => text.textContent)"
    return page.eval_on_selector_all(".lv-diagram-part", f"all => all.map(part => {texts})")


def explanation(page) -> str:
    return page.locator(".lv-diagram-explanation").inner_text()


def test_it_follows_the_settings(page, app_server):
    page.set_viewport_size({"width": 1366, "height": 625})
    open_diagram(page, app_server)
    assert ["Token embeddings", "(8, 64, 112)"] in [part[:2] for part in parts(page)]
    # The letters of the text itself, as soon as that is written.
    page.wait_for_function("document.querySelector('.lv-diagram')?.textContent.includes('(8, 64, 53)')")
    page.locator("#lv-toolbar button", has_text="More").click()
    choose(page, "#lv-tokenizer", "Byte-pair tokens")
    page.locator("#lv-set-vocab_size input").fill("20000")
    page.wait_for_function(
        "document.querySelector('.lv-beforehand').textContent.includes('4.78M parameters')"
    )
    assert page.locator(".lv-diagram-totals").inner_text().startswith("4.78M parameters")
    width = page.locator("#lv-set-n_embd input")
    width.fill("224")
    width.press("Tab")
    page.wait_for_function("document.querySelector('.lv-diagram')?.textContent.includes('(8, 64, 224)')")
    projection = next(part for part in parts(page) if part[0] == "Projection")
    assert projection[1:3] == ["(8, 64, 224)", "50.2k"]
    assert "× the preset's" in page.locator(".lv-diagram-totals").inner_text()
    assert page.locator(".lv-diagram-count").inner_html() == "2 blocks like this one"


def test_it_follows_the_size_and_the_architecture(page, app_server):
    open_diagram(page, app_server)
    choose(page, "#lv-size", "Large")
    page.wait_for_function("document.querySelector('.lv-diagram')?.textContent.includes('6 blocks')")
    page.locator("#lv-toolbar button", has_text="More").click()
    choose(page, "#lv-set-architecture", "GPT-2 (the book's)")
    page.wait_for_function("document.querySelector('.lv-diagram')?.textContent.includes('Learned positions')")
    names = [part[0] for part in parts(page)]
    assert "RoPE" not in names
    assert names.count("LayerNorm") == 3


OVERPRINTED = """all => {
  const boxes = all.filter(text => text.textContent).map(text => [text.textContent, text.getBoundingClientRect()]);
  const apart = (a, b) => a.right <= b.left || b.right <= a.left || a.bottom <= b.top || b.bottom <= a.top;
  return boxes.flatMap(([text, a], n) => boxes.slice(n + 1).filter(([, b]) => !apart(a, b)).map(([other]) => [text, other]));
}"""  # noqa: E501 (JavaScript)
TEXTS = ".lv-diagram-row span:not(.lv-diagram-costs), .lv-diagram-count"


@pytest.mark.parametrize("where", ["phone", "projector"])
def test_no_text_is_cut_off_or_stands_on_another(page, app_server, where):
    page.set_viewport_size(
        {"width": 390, "height": 844} if where == "phone" else {"width": 1366, "height": 768}
    )
    open_diagram(page, app_server)
    if where == "projector":
        page.keyboard.press("p")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.locator("#lv-model").evaluate("panel => panel.scrollWidth <= panel.clientWidth")
    assert page.eval_on_selector_all(TEXTS, OVERPRINTED) == []


def test_a_part_is_explained_without_a_mouse(page, app_server):
    open_diagram(page, app_server)
    height = "document.querySelector('#lv-model').scrollHeight"
    before = page.evaluate(height)
    page.locator(".lv-diagram-part").first.focus()
    for _ in range(4):
        page.keyboard.press("ArrowDown")
    asked = "Queries, keys, values, (8, 64, 336). What 4 heads ask, and 4 keys with their values to answer. "
    costs = "37,632 parameters, 120 M operations a step."
    assert explanation(page) == asked + costs
    assert page.locator(":focus").get_attribute("aria-label") == asked + costs  # and is said
    page.locator(".lv-diagram-part", has_text="RoPE").dispatch_event("pointerover")
    assert explanation(page).startswith("RoPE")
    page.locator(".lv-diagram-picture").dispatch_event("pointerleave")
    assert explanation(page) == asked + costs
    assert page.evaluate(height) == before  # nothing moves


def test_all_conflicts_are_said_at_once_before_anybody_presses_train(page, app_server):
    open_diagram(page, app_server)
    page.locator("#lv-toolbar button", has_text="More").click()
    for name, value in (("n_head", "3"), ("warmup_steps", "9000")):
        page.locator(f"#lv-set-{name} input").fill(value)
        page.keyboard.press("Tab")
    for place in (".lv-diagram-against", ".lv-panel-says"):
        page.locator(place).get_by_text("cannot be shared out among 3 heads").wait_for()
        page.locator(place).get_by_text("Warmup (9000 steps) must be shorter").wait_for()
    assert "1 of 2" in page.locator(".lv-beforehand").inner_text()  # where there is no room for both
    assert page.locator(".lv-diagram-old").count() == 1  # the picture is the last that could be made
    page.locator("#lv-set-n_head input").fill("4")
    page.locator("#lv-set-warmup_steps input").fill("9")
    page.keyboard.press("Tab")
    page.wait_for_selector(".lv-diagram-old", state="detached")
    assert "parameters" in page.locator(".lv-panel-says").inner_text()


def test_a_model_that_is_too_large_is_not_praised(page, app_server):
    open_diagram(page, app_server)
    page.locator("#lv-toolbar button", has_text="More").click()
    for name, value in (("n_layer", "32"), ("n_embd", "512"), ("batch_size", "256"), ("max_steps", "20000")):
        page.locator(f"#lv-set-{name} input").fill(value)
        page.keyboard.press("Tab")
    page.locator(".lv-diagram-against", has_text="can be trained here").wait_for()
    page.locator(".lv-diagram-totals", has_text=" days").wait_for()  # hundreds of hours say little


def test_a_ratio_is_said_only_where_it_reads_as_one(page, app_server):
    open_diagram(page, app_server)
    page.wait_for_function("window.llmviz.store.host?.estimates?.small")
    said = page.evaluate(
        """async () => {
          const { store } = window.llmviz;
          const estimate = store.host.estimates.small;
          const usual = { ...estimate, memory_mb: estimate.memory_mb / 1.02 };
          store.emit("plan", (store.plan = { ...store.plan, estimate, usual }));
          await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
          return document.querySelector(".lv-diagram-totals").textContent;
        }"""
    )
    assert "MB" in said
    assert "×" not in said


NAMES = {"architecture": "Llama", "positions": "ALiBi: the nearer, the more", "norm": "LayerNorm",
         "norm_place": "After each addition", "activation": "GELU", "init": "PyTorch's own"}  # fmt: skip
NUMBERS = {"n_layer": 3, "n_head": 2, "n_embd": 96, "block_size": 32, "dropout": 0.1, "norm_eps": 0.01,
           "mlp_width": 100, "n_kv_head": 1, "head_width": 30, "window": 5, "soft_cap": 20}  # fmt: skip
SWITCHES = ("embedding_norm", "qk_norm", "bias", "tied")
TICKED = ("x0_shortcut", "value_embeddings", "smear", "bigram_embeddings")


@pytest.mark.slow
def test_every_setting_of_the_model_is_seen_in_the_diagram(page, app_server):
    """Each is changed in More, one after another, until nothing is as it was."""
    open_diagram(page, app_server)
    choose(page, "#lv-size", "Medium")
    page.locator("#lv-toolbar button", has_text="More").click()
    for fold in page.locator(".lv-fold-button").all():
        fold.click()

    def changes(change) -> None:
        before = page.locator(".lv-diagram").inner_text()
        change()
        page.wait_for_function(
            "before => document.querySelector('.lv-diagram').innerText !== before"
            " && !document.querySelector('.lv-diagram-old')",
            arg=before,
        )

    def fill(name, value) -> None:
        page.locator(f"#lv-set-{name} input").fill(str(value))
        page.keyboard.press("Tab")

    page.wait_for_function("document.querySelector('.lv-diagram')?.textContent.includes('4 blocks')")
    changes(lambda: fill("rope_base", 500))
    changes(lambda: fill("rope_base", 0))
    for name, label in NAMES.items():
        changes(lambda name=name, label=label: choose(page, f"#lv-set-{name}", label))
    for name, value in NUMBERS.items():
        changes(lambda name=name, value=value: fill(name, value))
    for name in SWITCHES:
        now = page.locator(".lv-diagram").inner_text()
        choose(page, f"#lv-set-{name}", "Yes")
        page.wait_for_timeout(400)
        if page.locator(".lv-diagram").inner_text() == now:  # it was so already
            changes(lambda name=name: choose(page, f"#lv-set-{name}", "No"))
    for name in TICKED:
        changes(page.locator(f"#lv-set-{name}").get_by_role("checkbox").check)
    changes(lambda: fill("ngram_embeddings", 3))
    changes(lambda: fill("ngram_rows", 77))
    choose(page, "#lv-set-init", "Of a chosen size")
    changes(lambda: fill("init_std", 0.3))
    tried = {*NAMES, *NUMBERS, *SWITCHES, *TICKED, "rope_base", "init_std", "ngram_embeddings", "ngram_rows"}
    assert tried == {name for name in form_settings() if FIELDS[name][0] == "model"}

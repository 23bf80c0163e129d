"""The parts of a model on the page: folded away, refused with the reason, and working in every tab."""

import pytest

from tests.browser.driving import choose, open_app, wait_for, wait_for_status

expect = pytest.importorskip("playwright.sync_api").expect

pytestmark = pytest.mark.browser

VARIANT = "?preset=spark&architecture=llama&positions=alibi&n_kv_head=2&window=8&smear=true&max_steps=60"


def train(page) -> str:
    before = page.evaluate("window.llmviz.store.selection.run")
    page.locator("#lv-train").click()
    wait_for(page, f"run !== '{before}' && (store.data.get(run)?.step.length ?? 0) > 3", 45)
    return page.evaluate("window.llmviz.store.selection.run")


def test_parts_are_folded_away_until_wanted(page, app_server):
    open_app(page, app_server)
    page.get_by_role("button", name="More").click()
    assert page.locator("#lv-set-n_layer").is_visible()
    assert not page.locator("#lv-set-positions").is_visible()
    page.get_by_role("button", name="Parts of the model").click()
    choose(page, "#lv-set-positions", "ALiBi: the nearer, the more")
    page.get_by_role("button", name="Shortcuts").click()
    page.locator("#lv-set-smear").get_by_role("checkbox").check()
    page.wait_for_timeout(500)
    page.keyboard.press("Escape")
    run = train(page)
    settings = page.evaluate(f"window.llmviz.store.summaries.get('{run}').settings")
    assert (settings["positions"], settings["smear"]) == ("alibi", True)
    page.locator("#lv-stop").click()


@pytest.mark.slow
def test_a_link_brings_a_variant_that_works_in_every_tab(page, app_server):
    open_app(page, app_server, VARIANT)
    page.wait_for_function("document.querySelector('#lv-set-n_kv_head input')?.value === '2'")
    run = train(page)
    wait_for_status(page, run, "finished", 60)
    assert page.evaluate(f"window.llmviz.store.summaries.get('{run}').written_out") == "variant"
    page.get_by_role("tab", name="Attention").click()
    page.wait_for_selector(".attention-body .which:text-is('weights of step 60')")
    page.get_by_role("tab", name="Sample").click()
    page.get_by_role("button", name="Write").click()
    page.get_by_text("letters can be drawn").wait_for(timeout=10_000)


def test_what_does_not_go_together_is_explained(page, app_server):
    open_app(page, app_server, "?preset=spark&architecture=gpt2&init=mup&n_kv_head=3&rope_base=50")
    page.wait_for_selector(".lv-complaint li")
    said = page.locator(".lv-complaint li").all_inner_texts()
    assert len(said) == 3
    assert any("µP" in sentence for sentence in said)


def test_a_bigram_trains_and_says_that_it_has_no_attention(page, app_server):
    open_app(page, app_server, "?preset=spark&architecture=bigram&learning_rate=0.1&max_steps=60")
    page.wait_for_timeout(800)
    wait_for_status(page, train(page), "finished", 60)
    page.get_by_role("tab", name="Attention").click()
    page.get_by_text("it has no attention to show").first.wait_for(timeout=10_000)


def test_one_dial_fills_the_form_and_says_why(page, app_server):
    open_app(page, app_server)
    page.get_by_role("button", name="More").click()
    page.get_by_label("Depth, and all else from it").fill("3")
    page.wait_for_function("document.querySelector('#lv-set-n_embd input')?.value === '96'")
    page.wait_for_function("document.querySelector('#lv-set-max_steps input')?.value === '1500'")
    page.get_by_text("Width 96: 32 for each layer").wait_for()
    page.locator("#lv-set-n_embd input").fill("120")  # whatever it says can be changed
    page.keyboard.press("Tab")
    page.get_by_text("now 120; the dial took 96").wait_for()  # what is said stays true
    page.keyboard.press("Escape")
    run = train(page)
    settings = page.evaluate(f"window.llmviz.store.summaries.get('{run}').settings")
    assert (settings["n_layer"], settings["n_embd"], settings["max_steps"]) == (3, 120, 1500)
    # What can be changed while it trains begins with what the run has, though the page learns that later.
    rate = str(settings["learning_rate"])
    page.wait_for_function(f"document.querySelector('#lv-live-learning_rate')?.value === '{rate}'")
    page.locator("#lv-stop").click()


def test_the_dial_heeds_what_is_chosen(page, app_server):
    open_app(page, app_server, "?preset=small&init=mup")
    page.wait_for_function("document.querySelector('.lv-beforehand')?.textContent.includes('parameters')")
    page.get_by_role("button", name="More").click()
    dial = page.get_by_label("Depth, and all else from it")
    for depth, width in ((3, 96), (6, 192)):
        dial.fill(str(depth))
        page.wait_for_function(f"document.querySelector('#lv-set-n_embd input')?.value === '{width}'")
        page.get_by_text("Learning rate 0.012: 0.012 at every width, as µP").wait_for()
    choose(page, "#lv-set-architecture", "Bigram")
    dial.fill("4")
    page.get_by_text("it has no depth").wait_for()


@pytest.mark.slow
def test_an_optimizer_brings_its_usual_learning_rate_unless_one_was_chosen(page, app_server):
    open_app(page, app_server, "?preset=spark")
    page.get_by_role("button", name="More").click()
    rate, decay = (page.locator(f"#lv-set-{name} input") for name in ("learning_rate", "weight_decay"))
    expect(rate).to_have_value("0.006")
    choose(page, "#lv-set-optimizer", "SGD")
    expect(rate).to_have_value("0.2")
    expect(decay).to_have_value("0")
    choose(page, "#lv-set-optimizer", "Lion")
    expect(rate).to_have_value("0.002")
    rate.fill("0.005")
    rate.press("Tab")
    choose(page, "#lv-set-optimizer", "SGD")
    expect(decay).to_have_value("0")
    expect(rate).to_have_value("0.005")

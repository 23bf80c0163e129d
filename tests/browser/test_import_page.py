"""A model from the Hub (a local server here) on the page: it arrives, every tab shows it, it leaves."""

import pytest

from tests.conftest import AppServer
from tests.model.hub.foreign import save_model, train_gpt2_tokenizer
from tests.model.hub.local_hub import LocalHub

transformers = pytest.importorskip("transformers")
pytestmark = [pytest.mark.browser, pytest.mark.slow]


def gpt2():
    return transformers.GPT2Config(n_positions=64, n_embd=32, n_layer=2, n_head=4)


def qwen3():
    """With as many heads as large models have, so that not all they see can be drawn."""
    shape = {"hidden_size": 48, "intermediate_size": 64, "num_hidden_layers": 24, "num_attention_heads": 24}
    shape |= {"num_key_value_heads": 2, "head_dim": 8, "max_position_embeddings": 1024}
    return transformers.Qwen3Config(**shape, pad_token_id=None, eos_token_id=None, bos_token_id=None)


@pytest.fixture(params=[gpt2, qwen3], ids=lambda made: made.__name__)
def server(tmp_path, request):
    train_gpt2_tokenizer("Once upon a time there was a fox. " * 5).save(str(tmp_path / "tokenizer.json"))
    config = request.param()
    folder = save_model(tmp_path / "fox", config, tmp_path / "tokenizer.json")
    with LocalHub({"somebody/fox": folder}) as hub:
        app = AppServer(tmp_path / "data", HF_ENDPOINT=hub.url)
        app.config = config
        yield app
        app.stop()


def test_from_its_name_to_every_tab(server, page):
    page.goto(server.url)
    page.get_by_role("tab", name="Sample", exact=True).click()
    page.select_option(".lv-picker", label="A model from the Hub …")
    page.wait_for_selector("#lv-hub-name:focus")
    page.fill("#lv-hub-name", "somebody/bear")
    page.click("button:has-text('Fetch it')")
    page.wait_for_function("document.querySelector('#lv-hub-said')?.textContent.includes('no public model')")
    page.fill("#lv-hub-name", "somebody/fox")
    page.click("button:has-text('Fetch it')")
    page.wait_for_function("document.querySelector('.lv-picker').selectedOptions[0]?.text.includes('fox')")
    page.keyboard.press("Escape")
    page.wait_for_selector("text=was trained elsewhere")
    page.wait_for_function("document.querySelector('.lv-film-text')?.textContent.length > 20")
    assert "parameters" in page.inner_text(".lv-headline")
    page.wait_for_selector(".lv-health-text:has-text('how that went is not known')")
    page.click(".lv-headline")
    assert "somebody/fox, version" in page.inner_text(".lv-passport")
    page.keyboard.press("Escape")
    page.click("button:has-text('Explore')")
    page.wait_for_selector("#lv-explore label:has-text('Story GPT')")
    assert page.locator("#lv-explore label:has-text('fox')").count() == 0
    page.keyboard.press("Escape")
    page.click("button:has-text('More')")
    assert page.input_value("#lv-live-learning_rate") == ""  # nobody here knows it
    with page.expect_download() as download:
        page.click("button:has-text('For transformers')")
    assert download.value.suggested_filename.endswith("-transformers.zip")
    page.keyboard.press("Escape")
    for tab, shown in (
        ("Tokens", "#lv-tabs"),
        ("Attention", "text=Block 2"),
        ("Sample", "text=What comes first"),
    ):
        page.get_by_role("tab", name=tab, exact=True).click()
        page.wait_for_selector(shown)
    look_inside(page, server.config)


def look_inside(page, config):
    """A text of the reader's own on every tab, and the code that computed the maps."""
    page.fill(".lv-sample textarea", "Once upon")
    page.click(".lv-sample button:has-text('Write')")
    page.wait_for_function(
        "document.querySelector('.lv-sample')?.textContent.includes('by fox, the imported model')"
    )
    page.get_by_role("tab", name="Attention", exact=True).click()
    page.fill(".lv-attention textarea", "A fox, a fox! " * 20)
    page.wait_for_selector(".lv-attention .notice:visible")
    notice = page.inner_text(".lv-attention .notice")
    assert page.inner_text(".attention-body .which") == "weights of the imported model"
    heads = config.num_hidden_layers * config.num_attention_heads
    if heads < 100:
        assert notice == "The model sees 64 tokens at a time: these are the last of the text."
    else:
        assert notice.startswith(f"Of the {heads} heads of this model, maps of at most 83 tokens are drawn")
    page.click(".lv-attention .lv-help-button")
    page.click(".lv-help-card:popover-open button:has-text('Show me the code')")
    page.wait_for_selector("dialog.lv-code pre")
    shown = page.locator("dialog.lv-code h3 b").all_inner_texts()
    assert ("Share.forward" in shown) == (heads > 100)
    assert "attention_with_weights" in shown

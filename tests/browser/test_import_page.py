"""A model from the Hub (a local server here) on the page: it arrives, every tab shows it, it leaves."""

import pytest

from tests.conftest import AppServer
from tests.model.hub.foreign import save_model, train_gpt2_tokenizer
from tests.model.hub.local_hub import LocalHub

transformers = pytest.importorskip("transformers")
pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def server(tmp_path):
    train_gpt2_tokenizer("Once upon a time there was a fox. " * 5).save(str(tmp_path / "tokenizer.json"))
    config = transformers.GPT2Config(n_positions=64, n_embd=32, n_layer=2, n_head=4)
    folder = save_model(tmp_path / "fox", config, tmp_path / "tokenizer.json")
    with LocalHub({"somebody/fox": folder}) as hub:
        app = AppServer(tmp_path / "data", HF_ENDPOINT=hub.url)
        yield app
        app.stop()


def test_from_its_name_to_every_tab(server, page):
    page.goto(server.url)
    page.get_by_role("tab", name="Sample", exact=True).click()
    page.select_option(".lv-picker", label="A model from the Hub …")
    page.wait_for_selector("#lv-hub-name:focus")
    page.fill("#lv-hub-name", "somebody/bear")
    page.click("button:has-text('Fetch it')")
    page.wait_for_function("document.querySelector('#lv-hub-said').textContent.includes('no public model')")
    page.fill("#lv-hub-name", "somebody/fox")
    page.click("button:has-text('Fetch it')")
    page.wait_for_function("document.querySelector('.lv-picker').selectedOptions[0]?.text.includes('fox')")
    page.keyboard.press("Escape")
    page.wait_for_selector("text=was trained elsewhere")
    page.wait_for_function("document.querySelector('.lv-film-text').textContent.length > 20")
    assert "parameters" in page.inner_text(".lv-headline")
    page.click(".lv-headline")
    assert "somebody/fox, version" in page.inner_text(".lv-passport")
    page.keyboard.press("Escape")
    page.click("button:has-text('Explore')")
    page.wait_for_selector("#lv-explore label:has-text('Story GPT')")
    assert page.locator("#lv-explore label:has-text('fox')").count() == 0
    page.keyboard.press("Escape")
    page.click("button:has-text('More')")
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

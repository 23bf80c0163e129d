"""The page behind its headers: the content security policy lets all of it work, and nothing else."""

import httpx
import pytest

from tests.browser.driving import open_app, press_train

pytestmark = pytest.mark.browser


@pytest.mark.slow
def test_the_page_works_under_its_content_security_policy(page, app_server):
    complaints: list[str] = []
    page.on("console", lambda m: complaints.append(m.text) if "Content Security Policy" in m.text else None)
    open_app(page, app_server)
    press_train(page)
    for tab in ("Tokens", "Attention", "Sample", "Train"):
        page.get_by_role("tab", name=tab).click()
        page.wait_for_timeout(500)
    page.locator("#lv-explore-open, button:has-text('Explore')").first.click()
    page.wait_for_selector("#lv-explore .js-plotly-plot", timeout=30_000)
    page.locator("#lv-stop").click()
    assert not complaints
    stranger = "fetch('https://example.com/').then(() => 'sent', () => 'blocked')"
    assert page.evaluate(stranger) == "blocked"
    assert any("example.com" in text for text in complaints)


def test_no_other_site_can_show_the_page_in_a_frame(page, app_server):
    framing = f'<iframe src="{app_server.url}/"></iframe>'
    page.route("http://other.test/", lambda route: route.fulfill(content_type="text/html", body=framing))
    page.goto("http://other.test/")
    page.wait_for_timeout(1000)
    assert page.frames[-1].url.startswith("chrome-error:")


def test_gradios_own_answers_carry_the_headers_and_its_unused_doors_are_closed(app_server):
    for path in ("/", "/config", "/theme.css", "/gradio_api/llmviz/health", "/nowhere"):
        assert httpx.get(app_server.url + path).headers["x-content-type-options"] == "nosniff", path
    files = {"files": ("a.txt", b"text")}
    assert httpx.post(f"{app_server.url}/gradio_api/upload", files=files).status_code == 404
    too_long = httpx.post(f"{app_server.url}/gradio_api/queue/join", content=b"x" * 25_000_000)
    assert too_long.status_code == 413

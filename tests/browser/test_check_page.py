"""The page for the day before: what it says of a device and a network, and that it says it on a phone."""

import pytest

pytestmark = pytest.mark.browser


def look(page, server) -> str:
    """Open the page and wait for its verdict."""
    page.goto(f"{server.url}/gradio_api/llmviz/check")
    page.wait_for_selector("#again:visible", timeout=40_000)
    return page.locator("#verdict").inner_text()


def findings(page) -> dict[str, str]:
    """{what was tested: how it went}"""
    items = page.locator("#findings li").all()
    return {item.locator("strong").inner_text(): item.get_attribute("class") for item in items}


@pytest.mark.slow
def test_where_all_is_well_it_says_so_on_a_phone_in_light_and_dark(page, app_server):
    page.set_viewport_size({"width": 390, "height": 844})
    complaints: list[str] = []
    page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        said = look(page, app_server)
        assert said.startswith("Everything works"), page.locator("#findings").inner_text()
        assert set(findings(page).values()) == {"good"}
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert page.locator("#again").bounding_box()["height"] >= 44
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.emulate_media(color_scheme="light")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != dark
    assert not complaints


@pytest.mark.slow
def test_a_stream_that_is_held_back_is_told_and_no_reason_to_stay_at_home(page, app_server):
    page.route("**/llmviz/stream", lambda route: None)  # asked, and never answered
    assert "with the limits" in look(page, app_server)
    assert findings(page)["Live news"] == "so-so"
    assert "every 3 seconds" in page.locator("#findings").inner_text()


@pytest.mark.parametrize("how", ["unreachable", "a sign-in page"])
def test_a_server_that_is_out_of_reach_is_told(page, app_server, how):
    def answer(route):
        if how == "unreachable":
            route.abort()
        else:
            route.fulfill(content_type="text/html", body="<h1>Please sign in</h1>")

    for path in ("health", "stream", "poll", "keepalive"):
        page.route(f"**/llmviz/{path}", answer)
    assert "will not work here" in look(page, app_server)
    assert findings(page)["Reaching the server"] == "bad"


def test_a_server_that_cannot_train_says_why(page, app_server):
    sentence = "The data directory cannot be written: it is full."
    answer = {"status": 503, "json": {"ok": False, "problems": [sentence], "queue": {"active": 0}}}
    page.route("**/llmviz/health", lambda route: route.fulfill(**answer))
    look(page, app_server)
    assert findings(page)["Reaching the server"] == "so-so"
    assert sentence in page.locator("#findings").inner_text()


def test_closed_storage_is_told(page, app_server):
    page.add_init_script("Storage.prototype.setItem = () => { throw new DOMException('closed'); }")
    look(page, app_server)
    assert findings(page)["Remembering your models"] == "so-so"


def test_an_old_browser_is_told(page, app_server):
    page.add_init_script("delete Array.prototype.findLast")
    assert "will not work here" in look(page, app_server)
    assert "newer JavaScript" in page.locator("#findings").inner_text()

"""You on this computer: the recovery code, browsers that enter it, tabs that agree, shut storage."""

import re
from pathlib import Path

import pytest

from tests.browser.driving import open_app, press_train, wait_for, wait_for_status

pytestmark = pytest.mark.browser

PHONE = {"width": 390, "height": 844}
SHUT = """for (const name of ["localStorage", "sessionStorage"]) Object.defineProperty(window, name, {
    get() { throw new DOMException("The document is in a third-party frame", "SecurityError"); }
});"""
RECOVERY = "import('/gradio_api/llmviz/assets/js/recovery.js')"


def open_you(page):
    """The dialog's locator."""
    page.locator(".lv-you-open").click()
    page.wait_for_selector("dialog.lv-you[open]")
    return page.locator("dialog.lv-you")


def code_in(dialog) -> str:
    return dialog.locator(".lv-you-letters").first.inner_text()


def token(page) -> str:
    return page.evaluate("window.llmviz.owner()")


def enter(dialog, code: str) -> None:
    dialog.locator("#lv-you-field").fill(code)
    dialog.get_by_role("button", name="Use this code").click()


def my_runs(page) -> int:
    return page.evaluate("[...window.llmviz.store.summaries.values()].filter((run) => run.mine).length")


def train_and_stop(page) -> str:
    run = press_train(page)
    page.locator("#lv-stop").click()
    wait_for_status(page, run, "stopped")
    return run


# ---------------------------------------------------------------- the code


def test_a_code_is_read_back_however_it_is_written(page, app_server):
    open_app(page, app_server)
    wrong = page.evaluate(
        f"""async () => {{
        const {{ codeOf, tokenOf }} = await {RECOVERY};
        const wrong = [];
        const extremes = ["0".repeat(32), "f".repeat(32), "0".repeat(31) + "1"];
        const random = () => [...crypto.getRandomValues(new Uint8Array(16))]
            .map((byte) => byte.toString(16).padStart(2, "0")).join("");
        for (const token of [...extremes, ...Array.from({{ length: 200 }}, random)]) {{
            const code = codeOf(token);
            if (!/^([0-9A-HJKMNP-TV-Z]{{4}}-){{6}}[0-9A-HJKMNP-TV-Z]{{4}}$/.test(code)) wrong.push(code);
            const spoken = code.toLowerCase().replaceAll("0", "o").replaceAll("1", "l");
            const bare = ` ${{code.replaceAll("-", "")}}\\n`;
            for (const written of [code, code.replaceAll("-", " "), spoken, bare])
                if (tokenOf(written).token !== token) wrong.push(written);
        }}
        return wrong;
    }}"""
    )
    assert wrong == []


def test_every_single_typing_mistake_is_noticed(page, app_server):
    open_app(page, app_server)
    slipped, tried = page.evaluate(
        f"""async () => {{
        const {{ codeOf, tokenOf }} = await {RECOVERY};
        const letters = [...codeOf("00112233445566778899aabbccddeeff").replaceAll("-", "")];
        const slipped = [];
        let tried = 0;
        const attempt = (changed) => {{
            tried += 1;
            if (!tokenOf(changed.join("")).problem) slipped.push(changed.join(""));
        }};
        for (let at = 0; at < letters.length; at += 1) {{
            for (const other of "0123456789ABCDEFGHJKMNPQRSTVWXYZ")
                if (other !== letters[at]) attempt(letters.with(at, other));
            if (at && letters[at] !== letters[at - 1])
                attempt(letters.with(at, letters[at - 1]).with(at - 1, letters[at]));
        }}
        return [slipped, tried];
    }}"""
    )
    assert tried > 28 * 31
    assert slipped == []


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("", "into the field first"),
        ("7ZK3-9QWD", "has 28 letters and digits, in groups of 4; this has 8"),
        ("7ZK3-9QWD-UUUU-0000-0000-0000-0000", "no “U” in it"),
        ("7ZK3-9QWD-0000-0000-0000-0000-0000", "typing mistake"),
    ],
)
def test_what_is_no_code_is_told_in_a_sentence(page, app_server, written, told):
    open_app(page, app_server)
    before = token(page)
    dialog = open_you(page)
    enter(dialog, written)
    assert told in dialog.locator(".lv-you-said").inner_text()
    assert token(page) == before


def test_the_code_leaves_as_a_file_and_by_the_clipboard(page, app_server):
    open_app(page, app_server)
    dialog = open_you(page)
    with page.expect_download() as saved:
        dialog.get_by_role("button", name="Save as file").click()
    assert saved.value.suggested_filename == "llmviz-code.txt"
    assert code_in(dialog) in Path(saved.value.path()).read_text("utf-8")
    # On plain http there is no clipboard, and then a field has to hold the text inside the dialog.
    page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    page.evaluate("document.addEventListener('copy', () => (window.copied = getSelection().toString()))")
    dialog.get_by_role("button", name="Copy", exact=True).click()
    dialog.get_by_text("Copied.").wait_for()
    assert page.evaluate("window.copied") == code_in(dialog)


# ---------------------------------------------------------------- another browser


@pytest.mark.slow
def test_another_browser_enters_the_code_and_has_the_runs(page, chromium, app_server):
    open_app(page, app_server)
    run = train_and_stop(page)
    code = code_in(open_you(page))
    context = chromium.new_context()
    other = context.new_page()
    open_app(other, app_server)
    theirs = train_and_stop(other)
    dialog = open_you(other)
    enter(dialog, code.lower().replace("-", " "))
    dialog.get_by_text("Save that code first").wait_for()  # theirs has a run of its own
    assert dialog.locator(".lv-you-letters").count() == 2
    assert token(other) != token(page)
    dialog.get_by_role("button", name="Use the other code now").click()
    wait_for(other, f"store.summaries.get('{run}')?.mine === true")
    wait_for(other, f"!store.order.includes('{theirs}') && !store.summaries.get('{theirs}')?.mine")
    assert token(other) == token(page)
    other.reload()
    wait_for(other, f"store.summaries.get('{run}')?.mine === true")
    context.close()


def test_a_code_without_runs_changes_nothing(page, app_server):
    open_app(page, app_server)
    before = token(page)
    code = page.evaluate(f"async () => (await {RECOVERY}).codeOf('{'5' * 32}')")
    dialog = open_you(page)
    enter(dialog, code)
    dialog.get_by_text("No run on this server belongs to this code").wait_for()
    assert token(page) == before


@pytest.mark.slow
def test_forget_me_shows_the_code_once_more_and_leaves_nothing(page, app_server):
    open_app(page, app_server)
    run = train_and_stop(page)
    before = token(page)
    page.locator("#lv-film input").first.fill("a secret beginning")
    dialog = open_you(page)
    code = code_in(dialog)
    dialog.get_by_role("button", name="Forget me on this computer").click()
    assert dialog.locator(".lv-you-letters").last.inner_text() == code
    page.keyboard.press("Enter")  # whoever presses Enter in haste has copied the code, not lost it
    assert token(page) == before
    dialog.get_by_role("button", name="Forget me", exact=True).click()
    page.wait_for_selector("dialog.lv-you", state="detached")
    wait_for(page, "store.order.length > 0")
    assert token(page) != before
    assert my_runs(page) == 0
    assert run not in page.url
    kept = page.evaluate("JSON.stringify({ ...localStorage, ...sessionStorage })")
    assert before not in kept
    assert run not in kept
    page.go_back()
    assert run not in page.url  # the page that was left is not in the history either


# ---------------------------------------------------------------- two tabs


@pytest.mark.slow
def test_two_tabs_that_open_at_once_have_one_token(chromium, app_server):
    context = chromium.new_context()
    tabs = [context.new_page() for _ in range(4)]
    for tab in tabs:
        tab.goto(f"{app_server.url}/", wait_until="commit")
    for tab in tabs:
        wait_for(tab, "store.host && store.order.length > 0")
    tabs[0].wait_for_timeout(500)
    assert len({token(tab) for tab in tabs}) == 1
    assert re.fullmatch("[0-9a-f]{32}", token(tabs[0]))
    context.close()


@pytest.mark.slow
def test_the_other_tab_follows(page, chromium, app_server):
    context = chromium.new_context()
    stranger = context.new_page()
    open_app(stranger, app_server)
    run = train_and_stop(stranger)
    code = code_in(open_you(stranger))
    context.close()
    open_app(page, app_server)
    other = page.context.new_page()
    open_app(other, app_server)
    wait_for(other, "store.order.length > 0")
    enter(open_you(page), code)
    wait_for(page, f"store.summaries.get('{run}')?.mine === true")
    wait_for(other, f"store.summaries.get('{run}')?.mine === true")
    assert token(other) == token(page)


# ---------------------------------------------------------------- where nothing is kept


@pytest.mark.slow
def test_shut_storage_is_told_and_the_code_still_works(page, chromium, app_server):
    page.add_init_script(SHUT)
    page.set_viewport_size({"width": 1366, "height": 625})
    open_app(page, app_server)
    line = page.locator(".lv-storage")
    line.wait_for(state="visible")
    assert "keeps nothing for this page" in line.inner_text()
    assert page.evaluate("document.documentElement.scrollHeight") <= 625
    run = train_and_stop(page)
    line.get_by_role("button", name="Show my code").click()
    code = code_in(page.locator("dialog.lv-you"))
    context = chromium.new_context()
    later = context.new_page()
    later.add_init_script(SHUT)
    open_app(later, app_server)
    enter(open_you(later), code)
    wait_for(later, f"store.summaries.get('{run}')?.mine === true")
    context.close()


def test_where_storage_works_no_line_is_shown(page, app_server):
    open_app(page, app_server)
    wait_for(page, "store.host")
    assert page.locator(".lv-storage").is_hidden()


# ---------------------------------------------------------------- reach


def test_keyboard_opens_and_closes_and_gets_the_focus_back(page, app_server):
    open_app(page, app_server)
    page.locator(".lv-you-open").focus()
    page.keyboard.press("Enter")
    dialog = page.locator("dialog.lv-you")
    dialog.wait_for(state="visible")
    for _ in range(8):
        page.keyboard.press("Tab")
        assert not page.evaluate(
            "document.activeElement !== document.body && !document.activeElement.closest('dialog')"
        )
    page.keyboard.press("Escape")
    dialog.wait_for(state="detached")
    assert page.evaluate("document.activeElement.className").endswith("lv-you-open")


def test_it_fits_a_phone(page, app_server):
    page.set_viewport_size(PHONE)
    open_app(page, app_server)
    dialog = open_you(page)
    dialog.get_by_role("button", name="Forget me on this computer").click()
    box = dialog.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= PHONE["width"]
    assert dialog.evaluate("box => box.scrollWidth <= box.clientWidth")
    for button in dialog.get_by_role("button").all():
        assert button.bounding_box()["height"] >= 44


def test_the_line_about_storage_fits_a_phone(page, app_server):
    page.add_init_script(SHUT)
    page.set_viewport_size(PHONE)
    open_app(page, app_server)
    button = page.get_by_role("button", name="Show my code").bounding_box()
    assert button["width"] > 90  # its words are inside it
    assert page.evaluate("document.documentElement.scrollWidth") <= 390

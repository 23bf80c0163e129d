"""What this machine allows is on the page before it bites."""

import re

import pytest

from tests.browser.driving import open_app

pytestmark = pytest.mark.browser


def test_the_limits_and_the_nearest_that_fits_are_said_beforehand(page, app_server):
    open_app(page, app_server)
    page.get_by_role("button", name="More", exact=True).click()
    limits = page.locator("#lv-limits")
    limits.filter(has_text=re.compile(r"up to [\d,]+ parameters")).wait_for(timeout=10_000)
    for name, value in (("n_layer", "48"), ("n_embd", "4000")):
        field = page.locator(f"#lv-set-{name} input")
        field.fill(value)
        field.press("Tab")
    said = page.locator(".lv-beforehand", has_text="The nearest that would fit")
    said.wait_for(timeout=10_000)
    width = re.search(r"width ([\d,]+) instead of 4,000", said.inner_text())
    layers = re.search(r"layers ([\d,]+) instead of 48", said.inner_text())
    for name, found in (("n_embd", width), ("n_layer", layers)):
        if found:  # take it at its word
            field = page.locator(f"#lv-set-{name} input")
            field.fill(found[1].replace(",", ""))
            field.press("Tab")
    page.locator(".lv-beforehand", has_text="parameters, ").wait_for(timeout=10_000)

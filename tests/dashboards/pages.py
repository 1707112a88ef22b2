"""Finding one's way on Superset's pages."""

from __future__ import annotations

from playwright.sync_api import Page, expect

SLOW = 180_000
"""Milliseconds that a page may take on a busy machine; a refresh comes every 30 s."""


def log_in(page: Page, password: str) -> None:
    """Log the administrator in through the form; its first field is hidden, so the second is waited for."""
    page.goto("/login/")
    page.wait_for_selector("input[type=password]", timeout=SLOW)
    page.fill("input#username", "admin")
    page.fill("input[type=password]", password)
    page.keyboard.press("Enter")
    page.wait_for_url("**/superset/welcome/", timeout=SLOW)


def settle(page: Page) -> None:
    """Return once the page waits for nothing any more."""
    page.wait_for_selector("svg[viewBox='0 0 1200 432']", timeout=SLOW)
    page.wait_for_load_state("networkidle", timeout=SLOW)
    expect(page.locator(".loading")).to_have_count(0, timeout=SLOW)


def choose(page: Page, name: str, value: str) -> None:
    """Choose a value of a filter, and apply it."""
    page.locator(f"#NATIVE_FILTER-{name}").click(force=True)
    page.locator(f".ant-select-item-option[title='{value}']").click()
    page.get_by_role("button", name="Apply").click()
    page.wait_for_load_state("networkidle", timeout=SLOW)

"""Take the pictures of the dashboards that the README shows, from a running Superset.

.venv/bin/python -m tests.dashboards.pictures http://127.0.0.1:8088 FOLDER   # SUPERSET_ADMIN_PASSWORD
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.dashboards.conftest import CHROMIUM_FLAGS
from tests.dashboards.pages import log_in, settle

SIZES = {"long-term": 1_860, "live": 1_660}


def main(url: str, folder: Path) -> None:
    """Log in, open each dashboard, and write FOLDER/<name>.png."""
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=CHROMIUM_FLAGS)
        page = browser.new_page(base_url=url)
        log_in(page, os.environ["SUPERSET_ADMIN_PASSWORD"])
        for name, height in SIZES.items():
            _take(page, name, height, folder / f"{name}.png")
        browser.close()


def _take(page: Page, name: str, height: int, path: Path) -> None:
    page.set_viewport_size({"width": 1_500, "height": height})
    page.goto(f"/superset/dashboard/{name}/")
    settle(page)
    page.wait_for_timeout(2_000)  # the lines of ECharts are drawn slowly, for show
    page.screenshot(path=path)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))

"""One lake, one Superset and one browser for all tests of the dashboards."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from lake.config import Settings
from tests.dashboards.market import build_market
from tests.dashboards.pages import log_in
from tests.dashboards.superset_server import (
    SUPERSET,
    SupersetServer,
    start_preparing,
    start_serve,
    start_superset,
    superset_environment,
)

CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-dev-shm-usage",
]


@pytest.fixture(scope="session")
def market_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the one lake."""
    return tmp_path_factory.mktemp("market") / "lake"


@pytest.fixture(scope="session")
def market(market_root: Path) -> Settings:
    """Return a lake with everything that the dashboards show."""
    return build_market(market_root)


@pytest.fixture(scope="session")
def superset(
    market_root: Path, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[SupersetServer]:
    """Return a running Superset over the served lake, prepared while there was none; or skip by name."""
    if not (SUPERSET / "superset").exists():
        pytest.skip("Superset's environment (.venv-superset) is not built on this machine; `make sync` does")
    folder = tmp_path_factory.mktemp("superset")
    environment = superset_environment(folder, market_root)
    with start_preparing(environment, folder) as preparing:
        request.getfixturevalue("market")
        _, complaints = preparing.communicate()
    assert preparing.returncode == 0, complaints
    serve = start_serve(environment, folder)
    server = start_superset(environment, folder)
    yield server
    server.stop()
    serve.terminate()
    assert serve.wait(60) == 0


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Return Debian's chromium, or skip by name."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("the browser chromium is not on this machine")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_FLAGS)
        yield started
        started.close()


@pytest.fixture(scope="session")
def state(browser: Browser, superset: SupersetServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the cookies of an administrator who logged in through the form."""
    page = browser.new_page(base_url=superset.url)
    log_in(page, superset.password)
    path = tmp_path_factory.mktemp("browser") / "state.json"
    page.context.storage_state(path=path)
    page.close()
    return path


@pytest.fixture
def page(browser: Browser, state: Path, superset: SupersetServer) -> Iterator[Page]:
    """Return a fresh page of somebody who is logged in."""
    context = browser.new_context(
        storage_state=state, base_url=superset.url, viewport={"width": 1500, "height": 2000}
    )
    yield context.new_page()
    context.close()

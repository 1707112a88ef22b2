"""Fixtures that every kind of test shares."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from lake.config import Settings, load_settings
from tests.lakes import ODD_FOLDER

# A slow or busy machine is no failure: nothing here depends on the clock.
hypothesis_settings.register_profile("lake", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("lake")

CHECKOUT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real market data beside the checkout, or skip by name."""
    folder = CHECKOUT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("real market data (../shared/data) is not on this machine")
    return folder


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Return the settings of a throw-away lake."""
    return load_settings(lake_root=str(tmp_path / ODD_FOLDER))

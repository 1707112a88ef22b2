"""Histories come out of the lake the same however DuckDB hands its rows over."""

from __future__ import annotations

import numpy as np
import pytest

import lake.store.duck as duck
import lake.store.reads as reads
from lake.config import Settings
from lake.market.bars import ARRAYS
from lake.steps.ingest import default_request, ingest
from lake.store.catalog import connect
from lake.store.lake import Lake


def test_histories_are_those_of_one_piece(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    ingest(settings, default_request(settings, source="sample"))
    con = connect(Lake.open(settings))
    names = reads.known_symbols(con)
    in_one = list(reads.read_hashed(con, "1d", names))
    assert sum(len(bars) for bars, _, _ in in_one) > 4 * 2048
    monkeypatch.setattr(duck, "PIECE", 2048)  # a vector of DuckDB: the least that it hands over
    for (bars, _, hashes), (again, _, hashes_again) in zip(
        in_one, reads.read_hashed(con, "1d", names), strict=True
    ):
        assert bars.symbol == again.symbol
        np.testing.assert_array_equal(hashes, hashes_again)
        for name in ARRAYS:
            np.testing.assert_array_equal(getattr(bars, name), getattr(again, name))

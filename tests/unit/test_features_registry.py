"""Declarations: names, order, dependencies, the dictionary, and columns that users add."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from lake.errors import BadConfiguration
from lake.features.indicator import CONTEXT, SPLIT_EXPONENT, Indicator, settle_smoothing
from lake.features.kernel import compute
from lake.features.registry import REGISTRY, build, described, fields
from lake.market.bars import VALUES, Floats
from lake.store.tables import TABLES
from tests.builders import daily_bars, sessions


def double(values: Floats, times: float) -> Floats:
    return values * times


def doubled(column: str, of: str) -> Indicator:
    return Indicator(
        columns=(column,),
        function=double,
        inputs=(of,),
        parameters={"times": 2},
        scale="price",
        settle_bars=1,
        description="Twice the input",
        source="by hand",
    )


def test_the_table_has_one_column_for_each_registered_one_in_order() -> None:
    names = TABLES["features"].schema.names
    assert names == ["symbol", "timeframe", "ts", "closes_at", "inputs", *REGISTRY.names]
    assert {field.type for field in fields()} == {pa.float64(), pa.int16(), pa.int8()}
    assert TABLES["features"].schema.field("cdl_doji").type == pa.int16()
    assert TABLES["features"].schema.field("hammer").type == pa.int8()
    assert TABLES["features"].partition_by == ("timeframe",)


def test_the_dictionary_describes_every_column() -> None:
    rows = described().to_pylist()
    assert [row["column"] for row in rows] == list(REGISTRY.by_column)
    assert [row["column"] for row in rows if row["stored"] != "helper"] == list(REGISTRY.names)
    for row in rows:
        assert row["description"] and row["source"] and row["inputs"] and row["settle_bars"] > 0


def test_every_indicator_comes_after_its_inputs() -> None:
    ordered = REGISTRY.in_order_of_need(reversed(REGISTRY.readable))
    seen = {*VALUES, *CONTEXT}
    for indicator in ordered:
        assert set(indicator.inputs) <= seen
        seen |= set(indicator.columns)
    assert seen == {*VALUES, *CONTEXT, *REGISTRY.readable}


def test_only_what_is_needed_is_computed() -> None:
    needed = [indicator.columns for indicator in REGISTRY.in_order_of_need(["ema_169_upper"])]
    assert needed == [("ema_169",), ("ema_169_upper", "ema_169_lower")]


def test_columns_that_can_be_computed_together_are() -> None:
    names = ["cdl_doji", "sma_7", "cdl_mathold", "cdl_hammer"]
    columns = [each.columns for each in REGISTRY.plan(names)]
    assert columns == [("cdl_doji", "cdl_mathold", "cdl_hammer"), ("sma_7",)]
    assert [each.columns for each in REGISTRY.plan(["cdl_doji"])] == [("cdl_doji",)]
    together = REGISTRY.plan(names)[0]
    prices = np.random.default_rng(1).normal(100, 1, (4, 60)).round(1)
    for name, values in zip(together.columns, together.apply(*prices), strict=True):
        np.testing.assert_array_equal(values, REGISTRY.indicator(name).apply(*prices)[0])


def test_what_rests_on_other_columns_is_computed_after_them_and_alone() -> None:
    def at_once(indicators: Sequence[Indicator]) -> Indicator:
        raise AssertionError("one of them takes a column")

    own = {"own": [replace(doubled("twice", of="close"), together=at_once),
                   replace(doubled("four_times", of="twice"), together=at_once)]}  # fmt: skip
    plan = build(own).plan(["four_times", "twice"])
    assert [each.columns for each in plan] == [("twice",), ("four_times",)]


def test_the_long_average_settles_in_4096_bars_and_smoothing_in_a_power_of_two() -> None:
    assert REGISTRY.indicator("ema_169").settle_bars == 4096
    assert REGISTRY.settle_bars(["sma_7", "ema_169_upper"]) == 4096
    assert REGISTRY.settle_bars([]) == 0
    bars = settle_smoothing(2 / 9, 8)
    assert (1 - 2 / 9) ** (bars - 8) < 2.0**-53


def test_a_column_of_ones_own_is_one_declaration() -> None:
    registry = build({"own": [doubled("twice", of="close"), doubled("four_times", of="twice")]})
    bars = daily_bars(sessions("2000-01-03", 3), [1, 2, 3])
    assert compute(bars, registry=registry)["four_times"].tolist() == [4, 8, 12]


def test_a_module_in_the_folder_is_all_a_column_of_ones_own_needs(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from lake.features.indicator import Indicator\n"
        "INDICATORS = (Indicator(('typical',), lambda h, l, c: (h + l + c) / 3, ('high', 'low', 'close'),\n"
        "    'price', 1, 'Typical price', 'mean of high, low, close'),)\n"
    )
    script = (
        "import lake.features.columns as groups\n"
        f"groups.__path__.append({str(tmp_path)!r})\n"
        "from lake.features.registry import REGISTRY, described\n"
        "print(REGISTRY.names[-1], described().to_pylist()[-1]['group'])\n"
    )
    printed = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert printed.stdout.split() == ["typical", "mine"]


@pytest.mark.parametrize(
    ("indicators", "reason"),
    [
        ([doubled("twice", of="close"), doubled("twice", of="close")], "found 'twice', which is taken"),
        ([doubled("close", of="close")], "found 'close', which is taken"),
        ([doubled("twice", of="later"), doubled("later", of="close")], "twice expected inputs .* 'later'"),
    ],
)
def test_a_declaration_that_cannot_work_is_refused(indicators: list[Indicator], reason: str) -> None:
    with pytest.raises(BadConfiguration, match=rf"columns/own\.py: .*{reason}"):
        build({"own": indicators})


def test_starting_up_does_not_import_talib_or_pandas() -> None:
    script = (
        "import sys, lake.store.tables, lake.rules.evaluate\nprint({'talib', 'pandas'} & set(sys.modules))"
    )
    printed = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert printed.stdout.strip() == "set()"


@pytest.mark.parametrize("column", REGISTRY.readable)
def test_a_split_rescales_a_column_as_its_scale_says(column: str) -> None:
    rng = np.random.default_rng(3)
    closes = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, 260)))
    bars = daily_bars(
        sessions("2000-01-03", 260),
        closes,
        open=closes * 1.001,
        high=closes * 1.01,
        low=closes * 0.99,
        volume=rng.integers(1_000, 9_000, 260),
    )
    bars = replace(bars, timeframe="5m") if REGISTRY.indicator(column).is_intraday else bars
    before, after = (compute(each, [column])[column] for each in (bars, bars.rescaled(np.full(260, 4.0))))
    factor = 4.0 ** SPLIT_EXPONENT[REGISTRY.indicator(column).scale]
    np.testing.assert_allclose(after, before * factor, rtol=1e-12, atol=1e-12 * np.nanmax(np.abs(before)))

from collections import Counter

import numpy as np
import pytest

from lake.errors import BadInput
from lake.market.candles import Candle
from lake.market.quality import check_values
from lake.sources.faults import KINDS, Feed, Rates, with_faults

MINUTE = 60_000_000
RATES = Rates(late=0.05, duplicate=0.05, out_of_order=0.05, corrected=0.05, malformed=0.05)


def clean(count: int = 4000) -> Feed:
    return [
        (f"S{n % 4}", Candle("1m", n // 4 * MINUTE, 10.0, 11.0, 9.0, 10.5 + n / 1e4, 100.0 + n))
        for n in range(count)
    ]


def is_good(candle: Candle) -> bool:
    values = [np.array([value]) for value in candle[2:7]]
    return candle.ts % MINUTE == 0 and bool(check_values(*values).accepted[0])


def test_without_rates_a_feed_stays_as_it_is() -> None:
    assert with_faults(clean(), Rates(), 7) == (clean(), [])


def test_the_same_seed_puts_the_same_faults() -> None:
    one, other = with_faults(clean(), RATES, 7), with_faults(clean(), RATES, 7)
    assert repr(one) == repr(other)  # a NaN equals nothing, not even itself
    assert repr(one) != repr(with_faults(clean(), RATES, 8))


def test_each_fault_comes_at_about_its_rate() -> None:
    _, faults = with_faults(clean(), RATES, 7)
    counts = Counter(fault.kind for fault in faults)
    assert set(counts) == set(KINDS)
    assert all(120 < count < 280 for count in counts.values())


def test_the_last_good_version_of_every_candle_is_the_true_one() -> None:
    feed, _ = with_faults(clean(), RATES, 7)
    last = {(symbol, candle.ts): candle for symbol, candle in feed if is_good(candle)}
    assert last == {(symbol, candle.ts): candle for symbol, candle in clean()}


def test_the_record_says_what_was_done() -> None:
    feed, faults = with_faults(clean(), RATES, 7)
    kinds = Counter(fault.kind for fault in faults)
    extra = kinds["duplicate"] + kinds["corrected"] + kinds["malformed"]
    assert len(feed) == len(clean()) + extra
    assert sum(not is_good(candle) for _, candle in feed) == kinds["malformed"]
    twice = Counter((symbol, candle) for symbol, candle in feed if is_good(candle))
    repeated = {(symbol, candle.ts) for (symbol, candle), count in twice.items() if count > 1}
    assert repeated == {(fault.symbol, fault.ts) for fault in faults if fault.kind == "duplicate"}


def test_late_candles_are_overtaken_by_many() -> None:
    feed, faults = with_faults(clean(), Rates(late=0.02), 7)
    places = {(symbol, candle.ts): place for place, (symbol, candle) in enumerate(clean())}
    order = np.array([places[symbol, candle.ts] for symbol, candle in feed])
    in_time = [places[fault.symbol, fault.ts] for fault in faults if places[fault.symbol, fault.ts] < 3700]
    assert len(in_time) > 40
    for place in in_time:
        assert (order[: int(np.flatnonzero(order == place)[0])] > place).sum() >= 15


def test_rates_that_make_no_sense_are_refused() -> None:
    with pytest.raises(BadInput, match="fault rates"):
        Rates(late=0.7, malformed=0.7)
    with pytest.raises(BadInput, match="fault rates"):
        Rates(late=-0.1)

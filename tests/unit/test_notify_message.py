"""A message says all that a reader needs, in plain text."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from lake.notify.message import Entry, Listing, compose, message_id_of, trial_message
from tests.notifications import NOON, alert

APPLE = Listing(name="Apple Inc.", currency="USD", zone=ZoneInfo("America/New_York"))


def test_one_alert_is_told_in_full() -> None:
    event = alert(
        level_id="f00", variant="f00", rule="level_touch", values={"level": 188.0}, severity="warning"
    )
    message = compose("m", [Entry("n", event)], {"AAPL": APPLE}, NOON)
    assert message.subject == "AAPL 5m level_touch (bullish) at 189.50 USD, 2026-11-20 10:00-10:05 EST"
    assert message.severity == "warning"
    assert message.text.splitlines() == [
        "AAPL (Apple Inc.)",
        "Rule: level_touch, bullish, warning",
        "Reason: AAPL made a hammer at 189.5",
        "Price: 189.50 USD",
        "Bar: 5m, 2026-11-20 10:00-10:05 EST",
        "Level: 188.00 USD, 0.79% below the price",
        f"Alert: {event.alert_id}",
    ]


def test_a_long_bar_is_named_by_its_close() -> None:
    days = {"ts": datetime(2026, 11, 20, tzinfo=UTC), "closes_at": datetime(2026, 11, 20, 21, tzinfo=UTC)}
    event = alert(timeframe="1d", rule="ema_touch", variant="support", side="neutral", price=0.1234, **days)
    message = compose("m", [Entry("n", event)], {"AAPL": APPLE}, NOON)
    assert message.subject == "AAPL 1d ema_touch support at 0.1234 USD, closed 2026-11-20 16:00 EST"


def test_of_an_unlisted_symbol_the_time_is_utc() -> None:
    message = compose("m", [Entry("n", alert())], {}, NOON)
    assert message.subject.endswith("at 189.50, 2026-11-20 15:00-15:05 UTC")


def test_several_alerts_have_a_line_each_and_the_gravest_severity() -> None:
    events = [alert(0), alert(1, symbol="MSFT", severity="critical"), alert(2)]
    message = compose("m", [Entry(str(n), each) for n, each in enumerate(events)], {}, NOON)
    assert message.subject == "3 alerts: AAPL, MSFT" and message.severity == "critical"
    assert len(message.text.splitlines()) == 3


def test_a_possible_repeat_says_so() -> None:
    message = compose("m", [Entry("n", alert())], {}, NOON, is_repeat=True)
    assert message.subject.startswith("[possible repeat] AAPL")
    assert message.text.splitlines()[-1].startswith("This may have reached you before")
    unmarked = compose("m", [Entry("n", alert())], {}, NOON, is_repeat=True, says_so=False)
    assert "repeat" not in unmarked.subject + unmarked.text and unmarked.is_repeat


def test_a_test_is_marked_as_one() -> None:
    assert trial_message("email", NOON).subject == "[TEST, no alert] channel email"


def test_a_message_keeps_its_id_until_it_is_asked_for_again() -> None:
    assert message_id_of(["a"]) == "a"
    assert message_id_of(["a", "b"]) == message_id_of(["b", "a"]) != message_id_of(["a"], 1) != "a"

"""Both dashboards in a real browser: every chart draws what the SQL views say."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date

import pytest
from playwright.sync_api import Locator, Page, Response, expect

from lake.config import Settings
from tests.dashboards.market import newest_alerts, write_alerts
from tests.dashboards.pages import SLOW, choose, settle
from tests.dashboards.views import ask

HOSTILE_TEXT = (
    """</title></svg><img src=none onerror="window.stolen=1"><script>window.stolen=1</script>{{x}}"""
)
UP_OR_DOWN = 'g[stroke="#0072B2"] > rect, g[stroke="#D55E00"] > rect'


@dataclass
class Watched:
    """A dashboard that is open, with every answer and error since."""

    page: Page
    failed: list[str] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)
    answers: int = 0

    def chart(self, title: str) -> Locator:
        """Return the chart with a title."""
        return self.page.locator(f"[data-test-chart-name='{title}']")

    def hear(self, response: Response) -> None:
        """Take down an answer to a chart, or a fault."""
        if response.status >= 400:
            self.failed.append(f"{response.status} {response.url}")
        elif "/api/v1/chart/data" in response.url:
            self.answers += 1
            if any(not result["data"] for result in response.json()["result"]):
                self.empty.append(response.url)


def opened(page: Page, slug: str) -> Watched:
    """Open a dashboard and return once everything has loaded."""
    watched = Watched(page)
    page.on("response", watched.hear)
    page.goto(f"/superset/dashboard/{slug}/")
    settle(page)
    return watched


def figure(watched: Watched, title: str) -> str:
    """Return the number in a chart of one."""
    return watched.chart(title).locator(".header-line").inner_text().strip()


def no_fault(watched: Watched) -> None:
    """Check that nothing failed, nothing stayed empty and no error was shown."""
    assert watched.failed == []
    assert watched.empty == []
    assert watched.page.locator("[data-test='toast-container'] [role='alert']").count() == 0
    assert watched.page.get_by_text("Unexpected error").count() == 0
    assert watched.page.get_by_text("No results were returned").count() == 0


def shown_figures(watched: Watched) -> list[str]:
    """Return the six figures of Long term, as they stand there."""
    titles = ("Profit", "Buy and hold", "Wins", "Losses", "Win rate", "Drawdown")
    return [figure(watched, title) for title in titles]


def wanted_figures(market: Settings, symbol: str) -> list[str]:
    """Return the six figures from the sandbox's own view."""
    ((profit, held, wins, losses, rate, fall),) = ask(
        market,
        "SELECT profit, buy_and_hold_profit_pct * 100, wins, losses, win_rate, max_drawdown "
        "FROM sandbox_metrics WHERE symbol = ?",
        symbol,
    )
    money = [f"-${-value:,.0f}" if value < 0 else f"${value:,.0f}" for value in (profit, held)]
    return [*money, f"{wins:,}", f"{losses:,}", f"{rate:.1%}", f"{fall:.1%}"]


def cells(watched: Watched, title: str) -> list[list[str]]:
    """Return the rows of a table's first page."""
    rows = watched.chart(title).locator("tbody tr").all()
    return [[cell.inner_text().strip() for cell in row.locator("td").all()] for row in rows]


def test_long_term_shows_what_the_sandbox_made(page: Page, market: Settings) -> None:
    """Figures, candles, trades and alerts of the first symbol equal the views."""
    watched = opened(page, "long-term")
    no_fault(watched)
    assert shown_figures(watched) == wanted_figures(market, "AAPL")
    assert page.locator(UP_OR_DOWN).count() == 130
    assert page.locator("polyline").count() == 4
    marks = ask(
        market,
        "SELECT count(*) FILTER (WHERE shape = 'entry'), count(*) FILTER (WHERE shape LIKE 'exit%') "
        "FROM long_term_chart WHERE symbol = 'AAPL' AND timeframe = '1d' AND page = 1",
    )[0]
    hints = page.locator("polygon > title").all_text_contents()
    assert (sum("bought" in hint for hint in hints), sum("sold" in hint for hint in hints)) == marks
    assert sum(marks) > 0
    trades = ask(
        market,
        "SELECT strftime(entry_ts, '%Y-%m-%d'), format('{:,.2f}', entry_price), bars_held "
        "FROM sandbox_trades WHERE symbol = 'AAPL' ORDER BY entry_ts DESC LIMIT 10",
    )
    shown = [(row[0], row[1], int(row[5])) for row in cells(watched, "Trades, newest first")]
    assert shown == trades
    assert len(cells(watched, "Alerts, newest first")) == 8
    expect(
        watched.chart("Equity of the strategy and of buy and hold").locator("canvas").first
    ).to_be_visible()


def test_another_symbol_changes_every_chart(page: Page, market: Settings) -> None:
    """Choosing IBM shows IBM's figures, candles and trades."""
    watched = opened(page, "long-term")
    before = watched.answers
    first_hint = page.locator("svg g > title").first.text_content()
    choose(page, "symbol", "IBM")
    expect(watched.chart("Profit").locator(".header-line")).to_have_text(
        wanted_figures(market, "IBM")[0], timeout=SLOW
    )
    settle(page)
    assert shown_figures(watched) == wanted_figures(market, "IBM")
    assert page.locator("svg g > title").first.text_content() != first_hint
    assert watched.answers - before >= 9
    assert watched.failed == []


def test_live_shows_the_last_session_and_a_new_alert_without_a_reload(page: Page, market: Settings) -> None:
    """Today's alerts stand there, and one that is written now appears by itself."""
    watched = opened(page, "live")
    no_fault(watched)
    ((today, alerts),) = ask(market, "SELECT max(session), (SELECT count(*) FROM live_alerts) FROM candles")
    assert isinstance(today, date)
    expect(watched.chart("Today")).to_contain_text(today.strftime("%-d %B %Y"))
    expect(watched.chart("Today")).to_contain_text(f"{alerts} alerts", timeout=SLOW)
    assert len(cells(watched, "Alerts of today")) == min(alerts, 10)
    newest = {row[0]: row[3] for row in cells(watched, "Newest alert of each symbol")}
    assert newest == {"SIM01": "ma rsi", "SIM02": "bearish engulfing", "AAPL": "ema touch"}
    assert page.locator(UP_OR_DOWN).count() == 78
    page.evaluate("window.notReloaded = true")

    write_alerts(market, newest_alerts(market, "SIM01", "5m", "macd_cross", "bearish", 1))

    expect(watched.chart("Alerts of today")).to_contain_text("macd cross", timeout=SLOW)
    expect(watched.chart("Today")).to_contain_text(f"{alerts + 1} alerts", timeout=SLOW)
    expect(page.locator("polygon > title").filter(has_text="macd cross")).to_have_count(1, timeout=SLOW)
    assert page.evaluate("window.notReloaded") is True
    assert watched.failed == []


@pytest.mark.parametrize("timeframe", ["15m", "30m"])
def test_live_shows_longer_candles_of_another_symbol(page: Page, market: Settings, timeframe: str) -> None:
    """Both filters of Live change its candle chart, which has the last 78 or as many as there are."""
    ((held,),) = ask(
        market, "SELECT count(*) FROM candles WHERE symbol = 'SIM02' AND timeframe = ?", timeframe
    )
    bars = min(held, 78)
    watched = opened(page, "live")
    choose(page, "symbol", "SIM02")
    choose(page, "timeframe", timeframe)
    expect(page.locator(UP_OR_DOWN)).to_have_count(bars, timeout=SLOW)
    no_fault(watched)


@pytest.mark.parametrize("shown", ["bars 131 to 260 back"])
def test_long_term_goes_back_in_time(page: Page, market: Settings, shown: str) -> None:
    """Another page of the chart shows the bars before, and leaves the figures alone."""
    watched = opened(page, "long-term")
    before = shown_figures(watched)
    choose(page, "shown", shown)
    ((oldest,),) = ask(
        market,
        "SELECT hint FROM long_term_chart WHERE symbol = 'AAPL' AND timeframe = '1d' AND shown = ? "
        "AND shape IN ('up', 'down') ORDER BY x LIMIT 1",
        shown,
    )
    expect(page.locator("svg g > title").first).to_have_text(oldest, timeout=SLOW)
    assert shown_figures(watched) == before
    no_fault(watched)


def test_text_of_others_stays_text(page: Page, market: Settings) -> None:
    """Markup in an alert is shown as it is and never becomes part of the page."""
    (alert,) = newest_alerts(market, "SIM02", "5m", HOSTILE_TEXT, "bullish", 1)
    write_alerts(market, [replace(alert, reason=HOSTILE_TEXT)])
    watched = opened(page, "live")
    choose(page, "symbol", "SIM02")
    expect(watched.chart("Alerts of today")).to_contain_text("window.stolen", timeout=SLOW)
    expect(page.locator("polygon > title").filter(has_text="onerror")).to_have_count(1, timeout=SLOW)
    assert page.locator("img[src='none'], [onerror], svg script, svg a").count() == 0
    assert page.evaluate("window.stolen") is None
    no_fault(watched)

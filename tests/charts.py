"""A local server that speaks the recorded chart protocol of Yahoo, and misbehaves on demand."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import numpy as np

from lake.market.sessions import calendar

CHART = "/v8/finance/chart/"
QUOTE = ("open", "high", "low", "close", "volume")

Row = dict[str, float | None]
Body = dict[str, Any]

META: dict[str, Any] = {
    "currency": "USD",
    "exchangeName": "NMS",
    "instrumentType": "EQUITY",
    "gmtoffset": -18000,
    "timezone": "EST",
    "exchangeTimezoneName": "America/New_York",
    "priceHint": 2,
    "currentTradingPeriod": {
        part: {"timezone": "EST", "start": 1740042000, "end": 1740061800, "gmtoffset": -18000}
        for part in ("pre", "regular", "post")
    },
    "validRanges": ["1d", "5d", "1mo", "3mo", "6mo", "1y", "2y", "5y", "10y", "ytd", "max"],
}


@dataclass
class Book:
    """What the server knows of one symbol: rows by interval and moment, as Yahoo gives them."""

    meta: dict[str, Any]
    rows: dict[str, dict[int, Row]] = field(default_factory=dict)
    dividends: dict[int, float] = field(default_factory=dict)
    splits: dict[int, tuple[float, float]] = field(default_factory=dict)

    def answer(self, interval: str, start: float, end: float) -> Body:
        """Return the body of an answer about a range of moments."""
        moments = sorted(ts for ts in self.rows.get(interval, {}) if start <= ts < end)
        rows = [self.rows[interval][ts] for ts in moments]
        result: dict[str, Any] = {"meta": {**self.meta, "dataGranularity": interval, "range": ""}}
        if interval != "1d":
            result["meta"]["tradingPeriods"] = _periods(moments)
        if moments:
            result["timestamp"] = moments
        if events := self._events(start, end):
            result["events"] = events
        result["indicators"] = {
            "quote": [{name: [row[name] for row in rows] for name in QUOTE} if rows else {}]
        }
        if rows and interval == "1d":
            result["indicators"]["adjclose"] = [{"adjclose": [row["adjclose"] for row in rows]}]
        return {"chart": {"result": [result], "error": None}}

    def _events(self, start: float, end: float) -> dict[str, Any]:
        paid = {
            str(ts): {"amount": value, "date": ts}
            for ts, value in self.dividends.items()
            if start <= ts < end
        }
        split = {
            str(ts): {"date": ts, "numerator": up, "denominator": down, "splitRatio": f"{up:g}:{down:g}"}
            for ts, (up, down) in self.splits.items()
            if start <= ts < end
        }
        return {name: found for name, found in (("dividends", paid), ("splits", split)) if found}


def recorded_books(folder: Path) -> dict[str, Book]:
    """Return what the recorded answers of data/yahoo say, symbol by symbol."""
    books: dict[str, Book] = {}
    for path in sorted(folder.glob("*.json")):
        if path.name == "index.json" or ".fake." in path.name:
            continue
        result = json.loads(path.read_text())["body"]["chart"]["result"][0]
        book = books.setdefault(result["meta"]["symbol"], Book(result["meta"]))
        rows = book.rows.setdefault(result["meta"]["dataGranularity"], {})
        quote = result["indicators"]["quote"][0]
        adjusted = result["indicators"].get("adjclose", [{"adjclose": quote.get("close")}])[0]["adjclose"]
        for number, ts in enumerate(result.get("timestamp", [])):
            rows[ts] = {**{name: quote[name][number] for name in QUOTE}, "adjclose": adjusted[number]}
        events = result.get("events", {})
        book.dividends |= {each["date"]: each["amount"] for each in events.get("dividends", {}).values()}
        book.splits |= {
            each["date"]: (each["numerator"], each["denominator"])
            for each in events.get("splits", {}).values()
        }
    return books


def made_book(
    symbol: str,
    days: list[date],
    split: tuple[date, float] | None = None,
    dividend: tuple[date, float] | None = None,
) -> Book:
    """Return made-up days as Yahoo would give them: as traded, then divided by the later split.

    As traded a stock opens at 100 and gains 1 a session; a split divides what comes from its day on.
    """
    book = Book({**META, "symbol": symbol, "longName": f"{symbol} Inc."}, {"1d": {}})
    for number, day in enumerate(days):
        later = split[1] if split and day < split[0] else 1.0
        opened = (100.0 + number) / (split[1] if split else 1.0)
        prices = {
            "open": opened,
            "high": opened + 2 / later,
            "low": opened - 1 / later,
            "close": opened + 1 / later,
        }
        book.rows["1d"][opening(day)] = {**prices, "volume": 1_000_000.0 * later, "adjclose": prices["close"]}
    if split:
        book.splits[opening(split[0])] = (split[1], 1.0)
    if dividend:
        later = split[1] if split and dividend[0] < split[0] else 1.0
        book.dividends[opening(dividend[0])] = dividend[1] / later
    return book


def add_minutes(book: Book, interval: str, minutes: int, days: list[date]) -> None:
    """Give a book intraday bars of whole sessions, each bar one cent above the one before."""
    rows = book.rows.setdefault(interval, {})
    for day in days:
        number = int(np.searchsorted(calendar("XNYS").sessions, np.datetime64(day)))
        first, last = (
            int(moments[number].astype("datetime64[s]").astype(int))
            for moments in (calendar("XNYS").opens_at, calendar("XNYS").closes_at)
        )
        for step, ts in enumerate(range(first, last, 60 * minutes)):
            price = 50.0 + step / 100
            rows[ts] = {
                "open": price,
                "high": price + 0.02,
                "low": price - 0.02,
                "close": price + 0.01,
                "volume": 100.0,
            }


def opening(day: date) -> int:
    """Return the second at which New York opens on a day, which is what Yahoo dates a day by."""
    days = calendar("XNYS")
    return int(
        days.opens_at[np.searchsorted(days.sessions, np.datetime64(day))].astype("datetime64[s]").astype(int)
    )


Mood = Callable[["_Handler", Body], None]
"""What to do instead of answering with a body."""


def too_many(wait: str | None) -> Mood:
    """Refuse with 429 and ask for a pause."""
    return lambda handler, body: handler.say(
        429, b"Too Many Requests", **({"Retry-After": wait} if wait else {})
    )


def broken(handler: _Handler, body: Body) -> None:
    """Answer 500."""
    handler.say(500, b"Internal Server Error")


def html(handler: _Handler, body: Body) -> None:
    """Answer with a page."""
    handler.say(200, b"<html><body>Will be right back</body></html>", **{"Content-Type": "text/html"})


def hang(handler: _Handler, body: Body) -> None:
    """Say nothing until the server stops."""
    handler.server.stopping.wait()


def forbidden(handler: _Handler, body: Body) -> None:
    """Answer 403."""
    handler.say(403, b"Forbidden")


def half_json(handler: _Handler, body: Body) -> None:
    """Answer with the first half of the JSON, as if that were all."""
    text = json.dumps(body).encode()
    handler.say(200, text[: len(text) // 2], **{"Content-Type": "application/json"})


def cut_off(handler: _Handler, body: Body) -> None:
    """Promise a whole answer, send half of it and hang up."""
    text = json.dumps(body).encode()
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(text)))
    handler.end_headers()
    handler.wfile.write(text[: len(text) // 2])
    handler.close_connection = True


def words(handler: _Handler, body: Body) -> None:
    """Answer with words for prices."""
    for quote in body["chart"]["result"][0]["indicators"]["quote"]:
        quote["close"] = ["n/a" for _ in quote.get("close", [])]
    handler.say_json(body)


def nulls(handler: _Handler, body: Body) -> None:
    """Answer with no value in any row."""
    for quote in body["chart"]["result"][0]["indicators"]["quote"]:
        for name in QUOTE:
            quote[name] = [None for _ in quote.get(name, [])]
    handler.say_json(body)


def empty(handler: _Handler, body: Body) -> None:
    """Answer without bars."""
    result = body["chart"]["result"][0]
    handler.say_json(
        {"chart": {"result": [{"meta": result["meta"], "indicators": {"quote": [{}]}}], "error": None}}
    )


def about_another(handler: _Handler, body: Body) -> None:
    """Answer about another symbol."""
    body["chart"]["result"][0]["meta"]["symbol"] = "OTHER"
    handler.say_json(body)


def without(*path: str | int) -> Mood:
    """Answer with one field missing."""

    def answer(handler: _Handler, body: Body) -> None:
        place: Any = body["chart"]["result"][0]
        for step in path[:-1]:
            place = place[step]
        place.pop(path[-1], None)
        handler.say_json(body)

    return answer


def noise(handler: _Handler, body: Body) -> None:
    """Answer with the noise of 32-bit floats in every price."""
    for quote in body["chart"]["result"][0]["indicators"]["quote"]:
        for name in QUOTE[:-1]:
            quote[name] = [float(np.float32(value)) * (1 + 3e-8) for value in quote.get(name, [])]
    handler.say_json(body)


def honest(handler: _Handler, body: Body) -> None:
    """Answer as asked."""
    handler.say_json(body)


class ChartServer(ThreadingHTTPServer):
    """Yahoo's hosts, all in one."""

    daemon_threads = True

    def __init__(self, books: dict[str, Book]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.books = books
        self.mood: Mood = honest
        self.next: list[Mood] = []
        """Moods of the next questions about bars; then `mood` again."""
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.stopping = threading.Event()

    @property
    def url(self) -> str:
        """Return its address."""
        return f"http://127.0.0.1:{self.server_address[1]}"


@contextmanager
def chart_server(books: dict[str, Book]) -> Iterator[ChartServer]:
    """Run a server with what it knows."""
    server = ChartServer(books)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.stopping.set()
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: ChartServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if not parts.path.startswith(CHART):
            self.say(200, b"crumb")
            return
        symbol = unquote(parts.path.removeprefix(CHART))
        params = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.server.asked.append((symbol, params))
        if symbol not in self.server.books:
            error = {"code": "Not Found", "description": "No data found, symbol may be delisted"}
            self.say_json({"chart": {"result": None, "error": error}}, 404)
            return
        mood = self.server.next.pop(0) if self.server.next else self.server.mood
        mood(self, self.server.books[symbol].answer(params["interval"], *_range(params)))

    def say_json(self, body: Body, status: int = 200) -> None:
        """Answer with JSON."""
        self.say(status, json.dumps(body).encode(), **{"Content-Type": "application/json"})

    def say(self, status: int, content: bytes, **headers: str) -> None:
        """Answer."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Keep the test's output clean."""


def _range(params: dict[str, str]) -> tuple[float, float]:
    if "period1" in params:
        return float(params["period1"]), float(params["period2"])
    now = datetime.now(UTC).timestamp()
    return now - 5 * 86_400, now


def _periods(moments: list[int]) -> list[list[dict[str, Any]]]:
    days = calendar("XNYS")
    opens = days.opens_at.astype("datetime64[s]").astype(int)
    closes = days.closes_at.astype("datetime64[s]").astype(int)
    numbers = sorted({int(np.searchsorted(opens, ts, side="right")) - 1 for ts in moments})
    return [
        [{"timezone": "EST", "start": int(opens[n]), "end": int(closes[n]), "gmtoffset": -18000}]
        for n in numbers
    ]

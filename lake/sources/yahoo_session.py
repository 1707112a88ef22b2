"""The session through which yfinance talks to Yahoo: its host may be another, its answers are judged."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import orjson
from curl_cffi.requests import Response, Session
from curl_cffi.requests.exceptions import RequestException, Timeout

from lake.errors import BadAnswer, SourceBusy, SourceUnavailable, UnknownSymbol
from lake.retry_after import retry_after
from lake.sources.pace import Pace

HOST = "https://query2.finance.yahoo.com"
CHART = "/v8/finance/chart/"
_META = ("symbol", "currency", "exchangeTimezoneName", "instrumentType")
_QUOTE = ("open", "high", "low", "close", "volume")
_TOO_MANY, _NO_CRUMB = 429, 401


class ChartSession(Session[Response]):
    """yfinance's own kind of session; answers about charts are judged before yfinance reads them.

    `symbol` is the one that is asked about; an answer about another is refused.
    """

    def __init__(self, base: str, pace: Pace, seconds: float) -> None:
        super().__init__(impersonate="chrome")
        self.symbol = ""
        self._base, self._pace, self._seconds = base.rstrip("/"), pace, seconds

    def request(self, method: Any, url: str, *args: Any, **kwargs: Any) -> Response:
        """Send a request, to the host that stands for Yahoo's if there is one."""
        kwargs["timeout"] = self._seconds
        address = self._base + url[len("://".join(urlsplit(url)[:2])) :] if self._base else url

        def send() -> Response:
            return super(ChartSession, self).request(method, address, *args, **kwargs)

        if CHART not in url:
            return send()  # cookies and the like: yfinance goes on without them
        return self._pace.ask(lambda: self._judged(send, kwargs.get("params") or {}))

    def reach(self) -> str:
        """Return the host that answers.

        Raises:
            SourceUnavailable: none does.
        """
        try:
            self.get(f"{HOST}/v1/test/getcrumb")
        except RequestException as error:
            raise SourceUnavailable(
                f"expected an answer of {self._base or HOST}, found none ({error}); "
                "check the network, or YAHOO_URL if it is set"
            ) from error
        return self._base or HOST

    def _judged(self, send: Callable[[], Response], params: Mapping[str, Any]) -> Response:
        about = f"an answer of Yahoo about {self.symbol}"
        try:
            response = send()
        except Timeout as error:
            raise SourceBusy(f"expected {about}, found none within {self._seconds:g} s") from error
        except RequestException as error:
            raise SourceUnavailable(
                f"expected {about}, found no connection ({error}); "
                "check the network, or YAHOO_URL if it is set"
            ) from error
        status = response.status_code
        if status == _TOO_MANY:
            wait = retry_after(response.headers.get("retry-after"), self._pace.clock())
            seconds = None if wait is None else wait.total_seconds()
            raise SourceBusy(f"expected {about}, found 429 Too Many Requests", seconds)
        if status == _NO_CRUMB:
            return response  # yfinance then gets itself another and asks once more
        if status >= 500:
            raise SourceBusy(f"expected {about}, found status {status}")
        try:
            body = orjson.loads(response.content)
        except ValueError as error:
            raise SourceBusy(f"expected {about} in JSON, found {response.text[:40]!r}") from error
        judge(body, self.symbol, str(params.get("interval", "")))
        return response


def judge(body: Any, symbol: str, interval: str) -> None:
    """Refuse a chart answer that is an error, about another symbol, or lacks what bars need.

    An answer without any bars passes: whether there should be some only the caller knows.

    Raises:
        UnknownSymbol: Yahoo has no such symbol.
        BadAnswer: the answer cannot be used.
    """
    about = f"an answer of Yahoo about {symbol}"
    chart = body.get("chart") if isinstance(body, dict) else None
    if not isinstance(chart, dict):
        raise BadAnswer(f"expected {about}, found no chart in it; ask again later")
    if error := chart.get("error"):
        _refuse(error, symbol)
    if not chart.get("result"):
        raise BadAnswer(f"expected {about}, found an empty one; ask again later")
    result = chart["result"][0]
    meta = result.get("meta") or {}
    if missing := [name for name in _META if not meta.get(name)]:
        raise BadAnswer(f"expected {about} with meta {', '.join(_META)}, found none of {', '.join(missing)}")
    if meta["symbol"] != symbol:
        raise BadAnswer(f"expected {about}, found one about {meta['symbol']}; nothing of it was taken")
    granularity = meta.get("dataGranularity") or interval
    if interval and granularity != interval:
        raise BadAnswer(f"expected {about} in bars of {interval}, found {granularity}")
    _judge_columns(result, about)


def _refuse(error: Mapping[str, Any], symbol: str) -> None:
    said = str(error.get("description") or error.get("code"))
    if error.get("code") == "Not Found":
        raise UnknownSymbol(
            f"expected a symbol that Yahoo has, found {symbol} ({said}); correct it, or leave it out"
        )
    raise BadAnswer(f"expected an answer of Yahoo about {symbol}, found the error {said!r}")


def _judge_columns(result: Mapping[str, Any], about: str) -> None:
    moments = result.get("timestamp") or []
    quotes = (result.get("indicators") or {}).get("quote") or [{}]
    quote = quotes[0] or {}
    if not moments and not quote:
        return
    if not moments:
        raise BadAnswer(f"expected {about} with timestamps, found prices without")
    if missing := [name for name in _QUOTE if len(quote.get(name) or ()) != len(moments)]:
        raise BadAnswer(
            f"expected {about} with {len(moments)} values each, found another number of {', '.join(missing)}"
        )

"""Check: is the configuration readable, the lake writable, the disk roomy, MongoDB (and Yahoo) there?"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass

from pymongo.uri_parser import parse_uri

from lake.config import Settings
from lake.documents.server import connected
from lake.errors import LakeError
from lake.notify.channels import read_channels
from lake.notify.secrets import secrets_of
from lake.notify.senders import sender_of
from lake.ports import holder
from lake.rules.language import read_rules
from lake.sandbox.strategies import read_strategies
from lake.sources.yahoo import YahooSource
from lake.steps.freshness import late
from lake.store.lake import Lake
from lake.universe import YAHOO, read_universe

LOW_DISK = 0.05
"""Below this share of free space the lake is about to be unable to commit."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at, and how it stands."""

    about: str
    found: str
    is_ok: bool


def check(settings: Settings) -> list[Finding]:
    """Return how the configuration, the lake, the disk, the servers and the source stand; nothing raises."""
    return [
        _tried("conf/universe.yaml", lambda: f"source {read_universe(settings.conf_folder).source}"),
        _tried("conf/rules.yaml", lambda: f"{len(read_rules(settings.conf_folder))} rules"),
        _tried("conf/strategies.yaml", lambda: _strategies(settings)),
        _tried("conf/channels.yaml", lambda: _channels(settings)),
        _tried("LAKE_ROOT", lambda: f"{Lake.open(settings).root} can be written"),
        _disk(settings),
        _freshness(settings),
        _tried("MONGO_URL", lambda: _mongo(settings)),
        *_yahoo(settings),
    ]


def _tried(about: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(about, look(), is_ok=True)
    except LakeError as error:
        return Finding(about, str(error), is_ok=False)


def _strategies(settings: Settings) -> str:
    rules = read_rules(settings.conf_folder)
    return f"{len(read_strategies(settings.conf_folder / 'strategies.yaml', rules))} strategies"


def _channels(settings: Settings) -> str:
    rules = read_rules(settings.conf_folder)
    channels = read_channels(settings.conf_folder, rules, secrets_of(settings))
    for channel in channels.values():
        sender_of(channel, settings.local_folder)
    return f"channels {', '.join(channels)}"


def _disk(settings: Settings) -> Finding:
    if "://" in settings.lake_root:
        return Finding("disk", "the lake is in an object store", is_ok=True)
    folder = settings.var_folder if settings.var_folder.exists() else settings.lake_home
    usage = shutil.disk_usage(folder)
    share = usage.free / usage.total
    return Finding("disk", f"{usage.free / 1e9:,.1f} GB free ({share:.0%})", is_ok=share > LOW_DISK)


def _freshness(settings: Settings) -> Finding:
    try:
        found = late(settings)
    except LakeError as error:
        found = [str(error)]
    return Finding("deadlines", "; ".join(found) or "no ingest is late", is_ok=not found)


def _yahoo(settings: Settings) -> list[Finding]:
    """Look for Yahoo only where somebody has chosen it: nothing else here needs the internet."""
    try:
        is_chosen = read_universe(settings.conf_folder).source == YAHOO
    except LakeError:  # which has been told already
        is_chosen = False
    if not (is_chosen or settings.yahoo_url):
        return []
    return [_tried(YAHOO, lambda: f"{YahooSource(settings).reach()} answers")]


def _mongo(settings: Settings) -> str:
    with connected(settings.mongo_url) as database:
        database.command("ping")
    host, port = parse_uri(settings.mongo_url)["nodelist"][0]
    process = holder(port)
    return f"{host}:{port} answers" + (f", held by process {process}" if process else "")

"""The training step: build, list, rebuild and compare training sets."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import duckdb
import pyarrow as pa

from lake import __version__
from lake.config import Settings
from lake.errors import BadInput
from lake.market.sessions import calendar
from lake.membership import Membership, membership_from_json, membership_json
from lake.store.catalog import connect
from lake.store.lake import Lake, now_utc
from lake.store.reads import known_symbols, read_history
from lake.store.tables import TABLES
from lake.training.build import Builder, Contents
from lake.training.columns import columns_hash, features_of
from lake.training.compare import differences
from lake.training.folder import TrainingFolder
from lake.training.recipe import HORIZONS, Recipe, recipe_from_json, recipe_of
from lake.training.splits import SPLITS
from lake.universe import read_universe

_LOCK = "training-build"

_NEWEST_KNOWN = """
SELECT (SELECT max(greatest(known_at, coalesce(superseded_at, known_at))) FROM bar_versions),
       (SELECT max(greatest(known_at, coalesce(superseded_at, known_at))) FROM lake.actions)
"""


def build_training_set(
    settings: Settings,
    symbols: Sequence[str] | None = None,
    timeframe: str = "1d",
    start: date | None = None,
    end: date | None = None,
    horizons: Sequence[int] = HORIZONS,
    as_of: datetime | None = None,
) -> dict[str, Any]:
    """Build a training set and return its id, content hash, row counts and what was dropped.

    Rows are of sessions from `start` to `end`, both included; nothing after `end` is seen, not even
    by labels. `horizons` are counted in bars. Without `symbols` these are all of the lake, and one whose
    membership conf/universe.yaml dates has rows only of sessions on which it belonged to the universe.
    The same values give the same set: building it again writes nothing.

    Raises:
        UnknownSymbol: `symbols` names one that the lake does not have.
        BadInput: a timeframe, dates or horizons that make no sense, or too little history.
    """
    recipe = recipe_of(timeframe, horizons, start, end)
    lake = Lake.open(settings)
    con = connect(lake, as_of)
    membership = {} if symbols else read_universe(settings.conf_folder).membership()
    pins = {**_pins(con, timeframe, as_of), "membership": membership_json(membership)}
    return _built(lake, con, recipe, symbols, pins).to_json()


def rebuild_training_set(settings: Settings, training_set_id: str) -> dict[str, Any]:
    """Build a training set again from its own pins and return whether it came out the same.

    Its files are restored if they were lost.

    Raises:
        BadInput: there is no such set.
    """
    lake = Lake.open(settings)
    manifest = _manifest(lake, training_set_id)
    recipe, pins = recipe_from_json(manifest["parameters"]), manifest["pins"]
    con = connect(lake, datetime.fromisoformat(pins["as_of"]))
    again = _built(lake, con, recipe, list(manifest["universe"]), pins, only=training_set_id)
    return {
        "training_set_id": training_set_id,
        "is_same": again.training_set_id == training_set_id,
        "content_hash": again.manifest["content_hash"],
        "expected_hash": manifest["content_hash"],
        "differences": differences(manifest, again.manifest),
    }


def list_training_sets(settings: Settings) -> list[dict[str, Any]]:
    """Return the training sets that were built, oldest first, without their manifests."""
    con = connect(Lake.open(settings))
    rows = con.execute(
        "SELECT * EXCLUDE (manifest) FROM training_sets ORDER BY built_at, training_set_id"
    ).to_arrow_table()
    listed: list[dict[str, Any]] = rows.to_pylist()
    return [{**row, "built_at": row["built_at"].isoformat()} for row in listed]


def diff_training_sets(settings: Settings, a: str, b: str) -> dict[str, Any]:
    """Return what differs between two training sets, each as [in a, in b].

    Raises:
        BadInput: one of them does not exist.
    """
    lake = Lake.open(settings)
    return {"a": a, "b": b, "differences": differences(_manifest(lake, a), _manifest(lake, b))}


@dataclass(frozen=True, slots=True)
class _Built:
    """A set as it came out, and whether this build was the first to enter it."""

    training_set_id: str
    manifest: dict[str, Any]
    path: str
    is_new: bool

    def to_json(self) -> dict[str, Any]:
        return {
            "training_set_id": self.training_set_id,
            "is_new": self.is_new,
            **{f"rows_{split}": self.manifest["splits"][split]["rows"] for split in SPLITS},
            "dropped": self.manifest["dropped"],
            "content_hash": self.manifest["content_hash"],
            "path": self.path,
        }


def _built(
    lake: Lake,
    con: duckdb.DuckDBPyConnection,
    recipe: Recipe,
    symbols: Sequence[str] | None,
    pins: dict[str, Any],
    only: str | None = None,
) -> _Built:
    """Build a set, seal it unless it is there, and enter it; with `only`, no other set than that."""
    builder = _builder(con, recipe, symbols, membership_from_json(pins.get("membership", {})))
    folder = TrainingFolder(lake.root)
    with lake.writing(_LOCK), folder.building(builder.schema()) as writer:
        contents = builder.build(writer)
        writer.close()
        training_set_id = _id_of(contents.content_hash, recipe)
        made = _manifest_of(training_set_id, builder, contents, pins)
        if only not in (None, training_set_id):
            return _Built(training_set_id, made, "", is_new=False)
        sealed = folder.manifest(training_set_id)
        if sealed is None:
            folder.seal(training_set_id, made)
        change = _enter(lake, sealed or made)
        path = lake.uri(f"training/{training_set_id}")
        return _Built(training_set_id, sealed or made, path, is_new=not change.is_empty)


def _builder(
    con: duckdb.DuckDBPyConnection, recipe: Recipe, symbols: Sequence[str] | None, membership: Membership
) -> Builder:
    names = known_symbols(con, symbols)
    exchanges = dict(con.execute("SELECT symbol, exchange FROM symbols").fetchall())
    return Builder(
        histories=lambda: read_history(con, recipe.timeframe, names),
        calendars={name: calendar(exchanges[name]) for name in names},
        recipe=recipe,
        features=features_of(timeframe=recipe.timeframe),
        membership=membership,
    )


def _pins(con: duckdb.DuckDBPyConnection, timeframe: str, as_of: datetime | None) -> dict[str, Any]:
    """Return what was known when: `as_of` reads the same bars and actions at any later time."""
    found = con.execute(_NEWEST_KNOWN).fetchone()
    assert found is not None
    newest = [moment for moment in found if moment is not None]
    if not newest:
        raise BadInput("expected bars in the lake, found none; run `lake ingest` first")
    moment = as_of or max(newest)
    return {
        "as_of": moment.astimezone(UTC).isoformat(),
        "is_as_of_requested": as_of is not None,
        "is_known_at_assumed": as_of is not None and _is_assumed(con, timeframe),
        "bars_known_at": _text(found[0]),
        "actions_known_at": _text(found[1]),
    }


def _is_assumed(con: duckdb.DuckDBPyConnection, timeframe: str) -> bool:
    """Return whether some bars stand in from a first load that came after the requested moment."""
    query = "SELECT bool_or(known_at_assumed) FROM bars WHERE timeframe = ?"
    found = con.execute(query, [timeframe]).fetchone()
    return bool(found and found[0])


def _manifest_of(
    training_set_id: str, builder: Builder, contents: Contents, pins: dict[str, Any]
) -> dict[str, Any]:
    return {
        "training_set_id": training_set_id,
        "content_hash": contents.content_hash,
        "built_at": now_utc().isoformat(),
        "code_version": __version__,
        "columns_hash": columns_hash(builder.features),
        "pins": pins,
        "parameters": builder.recipe.to_json(),
        "features": [
            {"name": each.name, "column": each.column, "scale": each.scale} for each in builder.features
        ],
        "labels": contents.labels,
        "splits": {split: {"rows": contents.rows[split], **contents.splits[split]} for split in SPLITS},
        "dropped": dict(sorted(contents.dropped.items())),
        "universe": contents.universe,
        "lookahead": contents.lookahead,
        "scaler": contents.scaler.to_json(),
    }


def _enter(lake: Lake, manifest: dict[str, Any]) -> Any:
    training_set_id = manifest["training_set_id"]
    row = {
        "training_set_id": training_set_id,
        "timeframe": manifest["parameters"]["timeframe"],
        "content_hash": manifest["content_hash"],
        **{f"rows_{split}": manifest["splits"][split]["rows"] for split in SPLITS},
        "path": f"training/{training_set_id}",
        "manifest": json.dumps(manifest, sort_keys=True),
        "built_at": datetime.fromisoformat(manifest["built_at"]),
    }
    rows = pa.Table.from_pylist([row], schema=TABLES["training_sets"].schema)
    return lake.replace("training_sets", rows, {"training_set_id": [training_set_id]})


def _manifest(lake: Lake, training_set_id: str) -> dict[str, Any]:
    found = (
        connect(lake)
        .execute("SELECT manifest FROM training_sets WHERE training_set_id = ?", [training_set_id])
        .fetchone()
    )
    if found is None:
        raise BadInput(
            f"expected the id of a training set of this lake, found {training_set_id!r}; "
            "`lake training list` names them"
        )
    manifest: dict[str, Any] = json.loads(found[0])
    return manifest


def _id_of(content_hash: str, recipe: Recipe) -> str:
    canonical = json.dumps(recipe.to_json(), sort_keys=True)
    return hashlib.sha256(f"{content_hash}\n{canonical}".encode()).hexdigest()[:16]


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat()

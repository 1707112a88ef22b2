import pyarrow as pa

from lake.documents.fingerprint import UNKNOWN, fingerprint
from lake.documents.publication import plan

BARS = pa.table({"_id": ["AAPL|1d|1", "AAPL|1d|2"], "close": [10.0, 11.0]})
OTHER = pa.table({"_id": ["AAPL|1d|1", "AAPL|1d|3"], "close": [10.0, 1.0]})
BEFORE = fingerprint(BARS).hashes


def test_a_first_publication_writes_every_document() -> None:
    first = plan("AAPL", fingerprint(BARS), {})
    assert first.writes == [0, 1]
    assert first.removes == []


def test_only_a_changed_document_is_written_again() -> None:
    changed = BARS.set_column(1, "close", pa.array([10.0, 12.0]))
    assert plan("AAPL", fingerprint(changed), BEFORE).writes == [1]


def test_a_vanished_document_is_removed() -> None:
    assert plan("AAPL", fingerprint(BARS.slice(0, 1)), BEFORE).removes == ["AAPL|1d|2"]


def test_an_opened_entry_knows_every_document_that_may_be_there_and_trusts_only_untouched_ones() -> None:
    opened = plan("AAPL", fingerprint(OTHER), BEFORE).opened
    assert opened.digest is None
    assert opened.hashes == {"AAPL|1d|1": BEFORE["AAPL|1d|1"], "AAPL|1d|2": UNKNOWN, "AAPL|1d|3": UNKNOWN}
    assert opened.certain == 1


def test_what_was_left_open_is_done_again() -> None:
    opened = plan("AAPL", fingerprint(BARS), {}).opened
    again = plan("AAPL", fingerprint(BARS.slice(0, 1)), opened.hashes)
    assert again.writes == [0]
    assert again.removes == ["AAPL|1d|2"]

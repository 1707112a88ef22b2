"""The id under which Apache Kafka formats its folder: one in 64 random ones would be read as an option."""

from __future__ import annotations

import base64

from stack.kafka import cluster_id


def test_no_id_looks_like_an_option_and_each_holds_sixteen_bytes() -> None:
    ids = [cluster_id() for _ in range(2_000)]
    assert not [each for each in ids if each.startswith("-")]
    assert {len(base64.urlsafe_b64decode(f"{each}==")) for each in ids} == {16}
    assert len(set(ids)) == len(ids)

"""A manifest accounts for every row, says nothing of the run, and is the same bytes anywhere."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from curation import manifest
from curation.errors import LakeError
from curation.manifest import File, Input, Manifest, Part

counts = st.integers(0, 10_000)
reasons = st.dictionaries(st.sampled_from(["not_english", "too_few_words", "near_duplicate"]), counts)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def file(rows: int, name: str = "part-0.parquet") -> File:
    return File(name=name, rows=rows, bytes=1, digest="d", rows_digest="r")


def made(rows_in: int, kept: int, dropped: dict[str, int]) -> Manifest:
    return Manifest(
        stage="decisions", name="web", fingerprint="f", inputs=(), rows_in=rows_in, kept=kept, dropped=dropped
    )


@given(counts, reasons)
def test_rows_that_add_up_are_accepted(kept: int, dropped: dict[str, int]) -> None:
    rows_in = kept + sum(dropped.values())
    assert made(rows_in, kept, dropped).kept == kept
    assert Part(inputs=(), file=file(kept), rows_in=rows_in, dropped=dropped).rows == kept


@given(counts, reasons, st.integers(-50, 50).filter(bool))
def test_a_lost_or_invented_row_makes_no_manifest(kept: int, dropped: dict[str, int], lost: int) -> None:
    rows_in = kept + sum(dropped.values()) + lost
    with pytest.raises(ValidationError, match=r"unaccounted|negative"):
        made(rows_in, kept, dropped)
    with pytest.raises(ValidationError, match=r"unaccounted|negative"):
        Part(inputs=(), file=file(kept), rows_in=rows_in, dropped=dropped)


def test_a_loss_cannot_hide_behind_a_negative_count() -> None:
    with pytest.raises(ValidationError, match="negative"):
        made(10, 9, {"not_english": 3, "too_few_words": -2})
    with pytest.raises(ValidationError, match="negative"):
        made(0, -1, {"not_english": 1})
    with pytest.raises(ValidationError, match="negative"):
        made(-1, 0, {"not_english": -1})


def test_an_unknown_field_is_refused_and_a_manifest_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        Manifest.model_validate({**json.loads(made(0, 0, {}).to_json()), "run_id": "x"})
    with pytest.raises(ValidationError):
        made(0, 0, {}).kept = 1  # type: ignore[misc]


@given(counts, reasons, texts)
def test_what_is_written_is_what_is_read(kept: int, dropped: dict[str, int], name: str) -> None:
    one = made(kept + sum(dropped.values()), kept, dropped).model_copy(update={"name": name})
    again = manifest.parse(one.to_json(), "manifest-000001.json")
    assert again == one
    assert (again.to_json(), again.digest) == (one.to_json(), one.digest)


def test_the_order_in_which_reasons_were_counted_does_not_change_the_bytes() -> None:
    parts = [
        Part(inputs=(), rows_in=3, dropped={"b": 1, "a": 2}),
        Part(inputs=(), rows_in=2, dropped={"a": 1, "c": 1}),
    ]
    one = manifest.of_parts(parts, stage="s", name="n", fingerprint="f")
    two = manifest.of_parts(
        [p.model_copy(update={"dropped": dict(sorted(p.dropped.items()))}) for p in parts],
        stage="s",
        name="n",
        fingerprint="f",
    )
    assert one.to_json() == two.to_json()
    assert one.dropped == {"a": 3, "b": 1, "c": 1}


def test_a_manifest_is_the_sum_of_its_parts_in_their_order() -> None:
    first = Part(inputs=(Input(name="1", digest="x"),), file=file(2, "part-a"), rows_in=3, dropped={"bad": 1})
    empty = Part(inputs=(Input(name="2", digest="y"),), rows_in=1, dropped={"bad": 1})
    quarantined = Part(
        inputs=(Input(name="3", digest="z"),), file=file(4, "part-b"), quarantine=file(9, "q"), rows_in=4
    )
    one = manifest.of_parts([first, empty, quarantined], stage="s", name="n", fingerprint="f")
    assert (one.rows_in, one.kept, one.dropped) == (8, 6, {"bad": 2})
    assert [f.name for f in one.parts] == ["part-a", "part-b"]
    assert [f.name for f in one.quarantine] == ["q"]
    assert [i.name for i in one.inputs] == ["1", "2", "3"]


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"{}", b"\xff", made(1, 1, {}).to_json()[:-5]])
def test_what_is_no_manifest_is_named(data: bytes) -> None:
    with pytest.raises(LakeError, match=r"manifest-000007\.json"):
        manifest.parse(data, "lake/manifest-000007.json")


@given(st.lists(st.tuples(texts, texts), max_size=5), st.randoms(use_true_random=False))
def test_inputs_are_a_set(pairs: list[tuple[str, str]], random: object) -> None:
    inputs = [Input(name=n, digest=d) for n, d in pairs]
    shuffled = inputs * 2
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert manifest.inputs_digest(inputs) == manifest.inputs_digest(shuffled)


def test_another_input_or_another_digest_is_another_set() -> None:
    a, b, other = Input(name="a", digest="1"), Input(name="b", digest="1"), Input(name="a", digest="2")
    assert len({manifest.inputs_digest(s) for s in ([], [a], [b], [other], [a, b], [a, other])}) == 6


def table(rows: int) -> pa.Table:
    return pa.table(
        {
            "id": [f"{n:032x}" for n in range(rows)],
            "url": [None if n % 3 else "https://example.org" for n in range(rows)],
            "parents": pa.array([[str(n)] * (n % 3) for n in range(rows)], pa.list_(pa.string())),
        }
    )


def test_a_file_is_described_as_it_lies_and_its_rows_apart_from_that(tmp_path: Path) -> None:
    path, described = tmp_path / "x.parquet", []
    for row_group_rows, compression in ((10_000, "zstd"), (3_000, "snappy"), (30_000, "none")):
        pq.write_table(table(25_000), path, row_group_size=row_group_rows, compression=compression)
        described.append(manifest.describe(path, "part"))
    assert len({d.digest for d in described}) == 3
    assert len({d.rows_digest for d in described}) == 1
    assert described[-1].bytes == path.stat().st_size
    assert all(d.rows == 25_000 and d.name == f"part-{d.digest}.parquet" for d in described)


def test_one_changed_value_changes_the_digest_of_the_rows(tmp_path: Path) -> None:
    path, digests = tmp_path / "x.parquet", set()
    whole = table(100)
    for changed in (
        whole,
        whole.slice(1),
        whole.take(list(range(99, -1, -1))),
        whole.rename_columns(["i", "u", "p"]),
    ):
        pq.write_table(changed, path)
        digests.add(manifest.describe(path, "part").rows_digest)
    assert len(digests) == 4

"""What is reported as boilerplate is what the signatures say, however the index came to be."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pytest

from curation import bands, boilerplate, index, select
from curation.annotate.pii import PII
from curation.boilerplate import Boilerplate, shared_words
from curation.facts import Partition
from curation.layout import Layout
from curation.recipe import Duplicates
from curation.select import Rules
from curation.stage import Published
from tests import corpora
from tests.corpora import Doc

BANDS = Duplicates(similarity=0.9, shingle_words=2, hashes=24, recall=0.99999, max_bucket=5)
DROP = {"too_short": "text_bytes < 20"}
HEADER = "all rights to this page are reserved by its owner in every country of the world"


def day(n: int, headed: int) -> list[Doc]:
    """Documents with the header and three words of their own, and as many without; a copy and a near copy of
    the first; one that a rule drops, and one that shares bands with it alone."""
    texts = [f"{HEADER} x{n}{i} y{n}{i} z{n}{i}" for i in range(headed)]
    texts += [" ".join(f"w{n}{i}{j}" for j in range(15)) for i in range(headed)]
    texts += [texts[0], texts[0].replace("x", "q")]
    texts += [f"s{n} tt{n} uu{n} vv{n} w", f"s{n} tt{n} uu{n} vv{n} w and so on"]  # the first is dropped
    return [Doc(100 * n + i, text, n) for i, text in enumerate(texts)]


def decide(lake: Layout, days: Sequence[Partition], settings: Duplicates) -> Published:
    return select.decide(lake, "test", sorted(days, key=lambda p: p.partition), Rules(DROP, settings))


def report(lake: Layout, days: Sequence[Partition], settings: Duplicates) -> Boilerplate:
    ordered = sorted(days, key=lambda p: p.partition)
    decisions = decide(lake, ordered, settings)
    held = [bands.publish(lake, settings, partition) for partition in ordered]
    return boilerplate.among(decisions, ordered, held, index.cover(lake, settings, held), settings)


def lake_of(folder: Path, numbers: Sequence[int], settings: Duplicates) -> tuple[Layout, list[Partition]]:
    """A lake that days came into in this order, a decision after each."""
    lake = corpora.fresh(folder)
    days: list[Partition] = []
    for n in numbers:
        days.append(corpora.publish(lake, f"2025-11-{n:02}", day(n, 4), settings))
        decide(lake, days, settings)
    return lake, days


def oracle(lake: Layout, days: Sequence[Partition], settings: Duplicates) -> tuple[int, set[str]]:
    """Full buckets and the ids of kept documents in them, by the signatures themselves: no key, no index."""
    ordered = sorted(days, key=lambda p: p.partition)
    decided = pl.concat([pl.read_parquet(uri) for uri in decide(lake, ordered, settings).part_uris()])
    beside = [uris["signatures"] for partition in ordered for _, uris in partition.parts()]
    signatures = pl.concat([pl.read_parquet(uri) for uri in beside])["signature"].to_list()
    buckets: dict[tuple[int, bytes], list[tuple[str, bool]]] = defaultdict(list)
    for row, signature in zip(decided.iter_rows(named=True), signatures, strict=True):
        if row["reason"] == "too_short":
            continue
        width = 4 * settings.rows
        for band in range(settings.bands):
            key = band, signature[band * width : (band + 1) * width]
            buckets[key].append((row["id"], row["kept"]))
    full = [
        [id_ for id_, kept in bucket if kept]
        for bucket in buckets.values()
        if len(bucket) > 1 and sum(kept for _, kept in bucket) >= settings.max_bucket
    ]
    return len(full), {id_ for bucket in full for id_ in bucket}


@pytest.mark.parametrize("max_bucket", [1, 3, 5, 12])
def test_as_many_buckets_and_documents_are_reported_as_signatures_say(
    tmp_path: Path, max_bucket: int
) -> None:
    settings = BANDS.model_copy(update={"max_bucket": max_bucket})
    lake, days = lake_of(tmp_path, [3, 4, 5], settings)
    found = report(lake, days, settings)
    buckets, ids = oracle(lake, days, settings)
    assert (found.buckets, found.documents) == (buckets, len(ids))
    assert found.buckets > 0
    assert found.max_bucket == max_bucket


def test_below_the_bound_nothing_is_reported(tmp_path: Path) -> None:
    lake, days = lake_of(tmp_path, [3, 4, 5], BANDS)
    most = report(lake, days, BANDS).largest[0].kept
    bound = BANDS.model_copy(update={"max_bucket": most})
    assert report(lake, days, bound).buckets > 0
    above = BANDS.model_copy(update={"max_bucket": most + 1})
    assert report(lake, days, above) == Boilerplate(most + 1)


def test_an_example_is_kept_and_shares_the_header_with_the_others(tmp_path: Path) -> None:
    lake, days = lake_of(tmp_path, [3, 4, 5], BANDS)
    found = report(lake, days, BANDS)
    _, ids = oracle(lake, days, BANDS)
    for bucket in found.largest:
        assert len(bucket.ids) == boilerplate.EXAMPLES
        assert set(bucket.ids) <= ids
        assert bucket.words == HEADER
        assert bucket.kept >= BANDS.max_bucket
    assert [b.kept for b in found.largest] == sorted((b.kept for b in found.largest), reverse=True)
    assert len({bucket.ids for bucket in found.largest}) == len(found.largest)  # not one header many times


def test_what_is_personal_in_shared_words_is_not_shown(tmp_path: Path) -> None:
    lake = corpora.fresh(tmp_path)
    docs = [
        Doc(n, f"write to the owner at jane.roe@mail.example.org for all rights x{n} y{n}") for n in range(8)
    ]
    held = corpora.publish(lake, "2025-11-03", docs, BANDS, also=[PII])
    words = {bucket.words for bucket in report(lake, [held], BANDS).largest}
    assert words == {"write to the owner at email for all rights"}


@pytest.mark.parametrize("ratio", [0, 4])
def test_the_order_in_which_days_came_and_how_the_index_is_cut_do_not_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ratio: int
) -> None:
    lake, days = lake_of(tmp_path, [3, 4, 5, 6], BANDS)
    expected = report(lake, days, BANDS)
    assert expected.buckets
    monkeypatch.setattr(index, "MERGE_RATIO", ratio)  # with 0 each day is a segment of its own
    monkeypatch.setattr(index, "STEP_ROWS", 50)
    monkeypatch.setattr(bands, "KEY_GROUP_ROWS", 7)  # a key's rows lie in several row groups
    other, turned = lake_of(tmp_path, [6, 4, 3, 5], BANDS)
    corpora.publish(other, "2025-11-09", day(9, 4), BANDS)
    more = corpora.published(other)
    decide(other, more, BANDS)  # the index holds a day more than the set
    held = [bands.publish(other, BANDS, partition) for partition in more]
    assert (len(index.cover(other, BANDS, held)) > 1) == (ratio == 0)
    assert report(other, turned, BANDS) == expected


def test_words_are_those_of_the_first_text_that_all_have_in_a_row() -> None:
    one = "Before. All Rights reserved by us, the owners, of it. After"
    assert (
        shared_words([one, "x all rights reserved by us the owners y"], 3)
        == "All Rights reserved by us the owners"
    )
    assert shared_words([one, "all rights reserved", "rights reserved by us"], 2) == "Rights reserved"
    assert shared_words([one, "none of that"], 2) == ""
    assert shared_words(["word " * 100] * 2, 2).split() == ["word"] * boilerplate.MOST_WORDS

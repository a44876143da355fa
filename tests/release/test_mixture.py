"""How often a document is released, and where, is a function of its id, the weight and the seed."""

from hypothesis import given
from hypothesis import strategies as st

from curation.release import mixture, order

ids = st.text("0123456789abcdef", min_size=32, max_size=32)
weights = st.floats(0, 5, allow_nan=False)


@given(ids, weights, st.integers(0, 9))
def test_a_document_is_copied_as_often_as_the_weight_says_give_or_take_one(
    id_: str, weight: float, seed: int
) -> None:
    assert int(weight) <= mixture.copies(id_, weight, seed) <= int(weight) + 1


@given(ids, weights, weights, st.integers(0, 9))
def test_a_larger_weight_never_takes_a_document_out(id_: str, one: float, other: float, seed: int) -> None:
    low, high = sorted((one, other))
    assert mixture.copies(id_, low, seed) <= mixture.copies(id_, high, seed)


def test_a_weight_is_met_over_many_documents() -> None:
    copies = sum(mixture.copies(f"{n:032x}", 1.3, 0) for n in range(20_000))
    assert abs(copies / 20_000 - 1.3) < 0.02


@given(ids, st.integers(0, 3), st.integers(0, 9), st.integers(1, 500))
def test_a_place_is_in_one_shard_and_shards_are_in_order(id_: str, copy: int, seed: int, shards: int) -> None:
    place = order.key(id_, copy, seed)
    home = order.shard(place, shards)
    assert 0 <= home < shards
    assert order.shard(max(place - 1, 0), shards) <= home


def test_shards_hold_about_the_same() -> None:
    homes = [order.shard(order.key(f"{n:032x}", 0, 0), 8) for n in range(20_000)]
    counts = [homes.count(shard) for shard in range(8)]
    assert min(counts) > 2_300
    assert max(counts) < 2_700


def test_shards_are_as_many_as_the_text_needs() -> None:
    assert [order.shard_count(size, 100) for size in (0, 1, 100, 101, 1000)] == [1, 1, 1, 2, 10]

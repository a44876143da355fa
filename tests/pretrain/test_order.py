"""The order of the rows: every row once an epoch, the same wherever a training starts again."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from curation.pretrain.order import batch_rows, permute

SEEDS = st.integers(0, 2**32)


@given(rows=st.integers(1, 3000), seed=SEEDS, epoch=st.integers(0, 1000))
def test_an_epoch_reads_every_row_exactly_once(rows: int, seed: int, epoch: int) -> None:
    order = permute(np.arange(rows), rows, seed, epoch)
    assert sorted(order.tolist()) == list(range(rows))


@given(rows=st.integers(1, 500), seed=SEEDS, epoch=st.integers(0, 9), data=st.data())
def test_a_rows_place_does_not_depend_on_what_else_is_asked(
    rows: int, seed: int, epoch: int, data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, rows - 1))
    whole = permute(np.arange(rows), rows, seed, epoch)
    assert permute(np.array([place]), rows, seed, epoch)[0] == whole[place]


@given(rows=st.integers(1, 200), size=st.integers(1, 50), seed=SEEDS)
def test_batches_in_a_row_are_the_epochs_in_a_row_even_where_an_epoch_ends_within_a_batch(
    rows: int, size: int, seed: int
) -> None:
    steps = 2 * rows // size + 2
    read = np.concatenate([batch_rows(step, rows, size, seed) for step in range(steps)])
    for epoch in range(len(read) // rows):
        assert sorted(read[epoch * rows : (epoch + 1) * rows].tolist()) == list(range(rows))


def test_seeds_and_epochs_give_different_orders() -> None:
    orders = {tuple(permute(np.arange(100), 100, seed, epoch)) for seed in range(5) for epoch in range(5)}
    assert len(orders) == 25


def test_every_row_comes_first_about_equally_often() -> None:
    """Chi-square of the first row over 7,000 seeds, 6 degrees of freedom: 22.5 is the 99.9th percentile."""
    firsts = [int(permute(np.array([0]), 7, seed, 0)[0]) for seed in range(7000)]
    counts = np.bincount(firsts, minlength=7)
    assert ((counts - 1000) ** 2 / 1000).sum() < 22.5


def test_rows_that_lie_together_are_not_read_together() -> None:
    order = permute(np.arange(10_000), 10_000, 0, 0)
    assert abs(np.corrcoef(np.arange(10_000), order)[0, 1]) < 0.04  # four standard errors
    assert (np.abs(np.diff(order)) == 1).sum() < 20  # 2 are expected

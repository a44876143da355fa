"""Which rows are read at which step: a keyed permutation of the rows for each epoch.

The permutation is a Feistel network (Luby and Rackoff 1988) over the next even power of two, walked until
it lands on a row (Black and Rogaway 2002), so that row i's place costs no memory and no pass over the others:
the batch at a step is a pure function of (row count, batch rows, seed, step) and the loader's whole state is
one integer. It shuffles; it is not cryptography.
"""

import numpy as np
from numpy.typing import NDArray

from curation.document import content_hash

_ROUNDS = (
    8  # even, and more than the four of Luby and Rackoff: small row counts have halves of one or two bits
)


def batch_rows(step: int, rows: int, size: int, seed: int) -> NDArray[np.int64]:
    """The `size` row numbers of `step`, counted from 0; an epoch may end within a batch."""
    places = np.arange(step * size, (step + 1) * size, dtype=np.int64)
    epochs = places // rows
    out = np.empty(size, np.int64)
    for epoch in np.unique(epochs):
        here = epochs == epoch
        out[here] = permute(places[here] % rows, rows, seed, int(epoch))
    return out


def permute(places: NDArray[np.int64], rows: int, seed: int, epoch: int) -> NDArray[np.int64]:
    """The row at each place (both in [0, rows)) of the order of (seed, epoch)."""
    half = max(1, ((rows - 1).bit_length() + 1) // 2)  # bits; the network permutes [0, 4**half)
    keys = [int(content_hash("order", str(seed), str(epoch), str(n))[:16], 16) for n in range(_ROUNDS)]
    out = _feistel(places.astype(np.uint64), half, keys)
    while (outside := out >= rows).any():  # at most four times `rows` are permuted, so a few walks do
        out[outside] = _feistel(out[outside], half, keys)
    return out.astype(np.int64)


def _feistel(values: NDArray[np.uint64], half: int, keys: list[int]) -> NDArray[np.uint64]:
    mask, shift = np.uint64((1 << half) - 1), np.uint64(half)
    left, right = values >> shift, values & mask
    for key in keys:
        left, right = right, left ^ (_mix(right ^ np.uint64(key)) & mask)
    return (left << shift) | right


def _mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """SplitMix64's finaliser (Steele, Lea and Flood 2014): every input bit reaches every output bit."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))

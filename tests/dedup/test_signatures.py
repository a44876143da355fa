import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest
from datasketch import MinHash, MinHashLSH

from curation import dedup
from curation.banding import recall
from curation.dedup import signatures
from curation.recipe import Duplicates
from curation.text.shingles import shingle_hashes
from tests.dedup.corpus import words

SETTINGS = Duplicates()


def _annotate(texts: list[str], settings: Duplicates = SETTINGS) -> pa.RecordBatch:
    return dedup.annotator(settings).annotate(pa.record_batch([pa.array(texts)], names=["text"]))


def _sets(similarity: float, size: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Two sets of hashes of about this Jaccard similarity."""
    hashes = np.random.default_rng(seed).integers(0, 2**64, size, dtype=np.uint64)
    common = round(size * similarity)
    half = (size - common) // 2
    return hashes[: common + half], np.concatenate([hashes[:common], hashes[common + half :]])


@pytest.mark.parametrize("size", [0, 1, 7, 5000])
def test_a_signature_is_bit_for_bit_what_datasketch_makes_of_the_same_hashes(size: int) -> None:
    hashes = np.random.default_rng(size).integers(0, 2**64, size, dtype=np.uint64)
    theirs = MinHash(num_perm=112, seed=signatures.SEED, scheme=signatures.SCHEME, hashfunc=lambda h: h)
    theirs.update_batch((hashes & np.uint64(2**32 - 1)).tolist())
    assert (signatures.signature(hashes, 112) == theirs.hashvalues).all()


@pytest.mark.parametrize("similarity", [0.2, 0.5, 0.8, 0.95])
def test_the_estimate_from_signatures_is_unbiased(similarity: float) -> None:
    errors = []
    for seed in range(60):
        a, b = _sets(similarity, 1000, seed)
        exact = len(np.intersect1d(a, b)) / len(np.union1d(a, b))
        one, other = (signatures.lean_minhash(signatures.signature(h, 112).tobytes()) for h in (a, b))
        errors.append(one.jaccard(other) - exact)
    # One estimate has the standard deviation sqrt(s(1 - s) / 112); the mean of 60 is within 4 of its own.
    assert abs(np.mean(errors)) < 4 * np.sqrt(similarity * (1 - similarity) / 112 / 60)


def test_datasketch_finds_our_near_duplicate_by_our_rows() -> None:
    rows = _annotate([words(0, 300), words(5, 300), words(1000, 1300)])["signature"].to_pylist()
    lsh = MinHashLSH(num_perm=112, params=(SETTINGS.bands, SETTINGS.rows))
    for n, row in enumerate(rows):
        lsh.insert(n, signatures.lean_minhash(row))
    assert sorted(lsh.query(signatures.lean_minhash(rows[0]))) == [0, 1]


def test_columns_are_as_announced_and_row_for_row() -> None:
    batch = _annotate([words(0, 30), "", "one", words(0, 30)])
    assert batch.schema == dedup.annotator(SETTINGS).columns
    assert batch["shingles"].to_pylist() == [26, 0, 1, 26]
    assert batch["signature"][0] == batch["signature"][3] != batch["signature"][2]


def test_another_process_computes_the_same_signature() -> None:
    code = (
        "from curation.dedup.signatures import signature; from curation.text.shingles import shingle_hashes;"
        "print(signature(shingle_hashes('a b c d e f g', 5), 112).tobytes().hex())"
    )
    there = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()
    assert there == signatures.signature(shingle_hashes("a b c d e f g", 5), 112).tobytes().hex()


@pytest.mark.parametrize("kind", [pa.binary(), pa.binary(4 * 112)])
def test_signatures_are_read_back_from_either_binary_type_sliced_or_not(kind: pa.DataType) -> None:
    column = _annotate([words(n, n + 20) for n in range(5)])["signature"].cast(kind)
    expected = np.array([np.frombuffer(value, dtype="<u4") for value in column.to_pylist()])
    assert (signatures.matrix(pa.chunked_array([column]), SETTINGS) == expected).all()
    assert (signatures.matrix(pa.chunked_array([column.slice(2, 2)]), SETTINGS) == expected[2:4]).all()


def test_the_stated_recall_is_what_bands_of_real_signatures_give() -> None:
    hits = 0
    for seed in range(400):
        a, b = (signatures.signature(h, 112).reshape(14, 8) for h in _sets(0.8, 400, seed))
        hits += bool((a == b).all(axis=1).any())
    assert recall(0.8, 14, 8) == pytest.approx(0.9235, abs=1e-4)
    assert hits / 400 == pytest.approx(0.9235, abs=4 * np.sqrt(0.9235 * 0.0765 / 400))

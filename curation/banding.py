"""How a signature is cut into bands, so that near documents share one.

Two documents of Jaccard similarity s share one of b bands of r hashes with the probability 1 - (1 - s**r)**b
(Leskovec, Rajaraman, Ullman, "Mining of Massive Datasets", 3.4.2). More hashes a band make fewer documents
meet by chance, and more near ones miss each other.
"""


def recall(similarity: float, bands: int, rows: int) -> float:
    """The probability that two documents of this Jaccard similarity share a band."""
    return float(1 - (1 - similarity**rows) ** bands)


def banding(similarity: float, hashes: int, wanted: float) -> tuple[int, int]:
    """Bands, and rows of a band: the most rows by which `hashes` still find a pair of this similarity with
    the probability `wanted`. Raises ValueError if none do."""
    for rows in range(hashes, 0, -1):
        bands = hashes // rows
        if recall(similarity, bands, rows) >= wanted:
            return bands, rows
    best = recall(similarity, hashes, 1)
    raise ValueError(
        f"{hashes} hashes find a pair of similarity {similarity} with a probability of {best:.3f} at best, "
        f"and recall asks for {wanted}: raise hashes, or lower recall"
    )

"""The verified pairs of the lake: similarities that were computed once and are good for ever after.

A cache, not a result: a generation adds a part to those before it; two runs that race may lose one's pairs,
which are then computed again.
"""

import pyarrow as pa

from curation import stage
from curation.manifest import Manifest


def known(directory: str) -> dict[tuple[str, str], float]:
    """The similarity of each pair that was compared before, by (smaller digest, larger digest)."""
    found = stage.current(directory)
    pairs: dict[tuple[str, str], float] = {}
    for uri in found.part_uris() if found else []:
        a, b, similarity = stage.read_table(uri).columns
        pairs.update(zip(zip(a.to_pylist(), b.to_pylist(), strict=True), similarity.to_pylist(), strict=True))
    return pairs


def remember(directory: str, verified: pa.Table) -> None:
    """Add pairs that were compared for the first time; digest_a, digest_b, similarity."""
    if not verified.num_rows:
        return
    found = stage.current(directory)
    earlier = found.manifest.parts if found else ()
    with stage.part_writer(directory, verified.schema) as writer:
        for batch in verified.to_batches():
            writer.write(batch)
        file = writer.publish()
    files = (*earlier, *([file] if file and file not in earlier else []))
    rows = sum(f.rows for f in files)
    made = Manifest(
        stage="pairs",
        name="verified",
        fingerprint=directory.rsplit("/", 1)[-1],
        inputs=(),
        parts=files,
        rows_in=rows,
        kept=rows,
    )
    stage.publish(directory, made)

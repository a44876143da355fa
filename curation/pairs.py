"""The verified pairs of the lake: similarities that were computed once and are good for ever after.

A cache, not a result: a generation adds a part to those before it; two runs that race may lose one's pairs,
which are then computed again.
"""

import pyarrow as pa
import pyarrow.compute as pc

from curation import dedup, stage
from curation.fingerprint import fingerprint
from curation.layout import Layout
from curation.manifest import Manifest
from curation.recipe import Duplicates


def directory(lake: Layout, settings: Duplicates) -> str:
    """Where the pairs lie that were compared by these settings."""
    signatures = dedup.annotator(settings)  # its version is also that of what a word is
    asked = {name: value for name, value in signatures.settings.items() if name != "hashes"}
    return lake.pairs(fingerprint("pairs", signatures.version, asked))


def known(directory: str, digests: pa.ChunkedArray) -> dict[tuple[str, str], float]:
    """The similarity of each pair of `digests` that was compared before, by (smaller, larger)."""
    found = stage.current(directory)
    pairs: dict[tuple[str, str], float] = {}
    asked = pc.unique(digests)
    for uri in found.part_uris() if found else []:
        for batch in stage.read_batches(uri, rows=100_000):
            both = pc.and_(*(pc.is_in(batch[name], asked) for name in ("digest_a", "digest_b")))
            a, b, similarity = (column.to_pylist() for column in batch.filter(both).columns)
            pairs.update(zip(zip(a, b, strict=True), similarity, strict=True))
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

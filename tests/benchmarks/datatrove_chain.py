"""datatrove's own way from a JSONL file to what is kept: filters, exact duplicates, MinHash, one worker.

    python -m tests.benchmarks.datatrove_chain FOLDER_OF_JSONL FOLDER

The steps read and write between them as datatrove's example for FineWeb does, with as few passes as it takes.
Three things are put right so that it runs here, none of which costs it time: its check of distribution names,
which refuses fasttext-community; the download of lid.176, for which the file that ships with curation stands;
and xxhash 4, which refuses the strings that it is handed.
"""

import sys
from pathlib import Path

import xxhash
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline import filters, readers, writers
from datatrove.pipeline.base import PipelineStep
from datatrove.pipeline.dedup import exact_dedup, minhash
from datatrove.utils import _import_utils, lid
from datatrove.utils.hashes import xxhash as hashes

from curation.annotate.language import MODEL


def main(source: str, folder: Path) -> None:
    mend()
    kept, distinct, exact, near = (str(folder / name) for name in ("kept", "distinct", "exact", "near"))
    same = exact_dedup.ExactDedupConfig(content_getter=_text)
    run(
        folder,
        readers.JsonlReader(source, glob_pattern="*.jsonl"),
        filters.LanguageFilter("en"),
        filters.GopherRepetitionFilter(),
        filters.GopherQualityFilter(),
        filters.C4QualityFilter(),
        filters.FineWebQualityFilter(),
        writers.JsonlWriter(kept),
        exact_dedup.ExactDedupSignature(exact, same),
    )
    run(folder, exact_dedup.ExactFindDedups(exact, f"{exact}_found", same))
    run(
        folder,
        readers.JsonlReader(kept),
        exact_dedup.ExactDedupFilter(f"{exact}_found", same),
        writers.JsonlWriter(distinct),
        minhash.MinhashDedupSignature(f"{near}_signatures"),
    )
    buckets = minhash.MinhashConfig().num_buckets  # a task each is the least that it takes
    run(folder, minhash.MinhashDedupBuckets(f"{near}_signatures", f"{near}_buckets"), tasks=buckets)
    run(folder, minhash.MinhashDedupCluster(f"{near}_buckets", f"{near}_remove"))
    run(
        folder,
        readers.JsonlReader(distinct),
        minhash.MinhashDedupFilter(f"{near}_remove"),
        writers.JsonlWriter(str(folder / "released")),
    )


def run(folder: Path, *steps: PipelineStep, tasks: int = 1) -> None:
    """Run the steps one after the other in this process."""
    logs = folder / "logs" / type(steps[-1]).__name__ / type(steps[0]).__name__
    LocalPipelineExecutor(list(steps), tasks=tasks, workers=1, logging_dir=str(logs)).run()


def _text(document) -> str:  # type: ignore[no-untyped-def]
    return document.text


def mend() -> None:
    """Put right what keeps datatrove from running here."""
    _import_utils._is_distribution_available = lambda name: True
    lid.cached_asset_path_or_download = lambda *_, **__: str(MODEL)
    hashes.xxhash64 = lambda data: xxhash.xxh64_intdigest(data.encode() if isinstance(data, str) else data)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))

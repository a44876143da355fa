"""datatrove's four MinHash steps over a folder of documents, and its clusters: who stays, who goes.

    python -m tests.benchmarks.datatrove_minhash FOLDER

FOLDER/documents has JSON lines; FOLDER/clusters.jsonl gets a line for each document of a cluster.
"""

import gzip
import json
import sys
from pathlib import Path

from datatrove.pipeline import readers, writers
from datatrove.pipeline.dedup import minhash

from tests.benchmarks.datatrove_chain import mend, run


def main(folder: Path) -> None:
    mend()
    signatures, buckets, remove = (str(folder / name) for name in ("signatures", "buckets", "remove"))
    reader = readers.JsonlReader(str(folder / "documents"), glob_pattern="*.jsonl")
    run(folder, reader, minhash.MinhashDedupSignature(signatures))
    tasks = minhash.MinhashConfig().num_buckets  # a task each is the least that it takes
    run(folder, minhash.MinhashDedupBuckets(signatures, buckets), tasks=tasks)
    run(folder, minhash.MinhashDedupCluster(buckets, remove, save_cluster_id=True))
    gone = writers.JsonlWriter(str(folder / "gone"))
    run(
        folder,
        readers.JsonlReader(str(folder / "documents"), glob_pattern="*.jsonl"),
        minhash.MinhashDedupFilter(remove, exclusion_writer=gone, load_cluster_ids=True),
        writers.JsonlWriter(str(folder / "stays")),
    )
    with (folder / "clusters.jsonl").open("w") as file:
        for side in ("stays", "gone"):
            for path in sorted((folder / side).glob("*.jsonl.gz")):
                for row in map(json.loads, gzip.decompress(path.read_bytes()).splitlines()):
                    cluster = row.get("metadata", {}).get("minhash_cluster_id", -1)
                    if cluster != -1:
                        told = {"id": row["id"], "cluster": cluster, "kept": side == "stays"}
                        file.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

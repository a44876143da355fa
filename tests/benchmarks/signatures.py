"""MinHash signatures, word 5-grams, 112 hashes: ours, datatrove's and a regex with rensa, side by side.

    python -m tests.benchmarks.signatures

MB (of UTF-8) a processor second of one thread, medians. datatrove is slow, so it gets every 50th document;
ratios are of speeds on the same corpus. rensa gets sets of word 5-grams of the lower-cased words of `\\w+`.
"""

import os
import re
from tempfile import TemporaryDirectory

import pyarrow as pa

from curation import dedup
from curation.recipe import Duplicates
from tests.benchmarks.corpora import crawl, megabytes, speed, text_bulk
from tests.benchmarks.figures import tell

ROWS = 1000  # documents of a batch
_word = re.compile(r"\w+")


def ours(texts: list[str]) -> float:
    annotate = dedup.annotator(Duplicates()).annotate
    columns = [pa.array(texts[n : n + ROWS], pa.string()) for n in range(0, len(texts), ROWS)]
    batches = [pa.record_batch([column], names=["text"]) for column in columns]
    annotate(batches[0])
    return speed(lambda: [annotate(batch) for batch in batches], megabytes(texts), times=5)


def rensa(texts: list[str]) -> float:
    from rensa import RMinHash

    def sign(text: str) -> list[int]:
        words = _word.findall(text.lower())
        made = RMinHash(num_perm=112, seed=1)
        made.update({" ".join(words[i : i + 5]) for i in range(len(words) - 4)})
        return made.digest()

    return speed(lambda: [sign(text) for text in texts], megabytes(texts), times=3)


def datatrove(texts: list[str]) -> float:
    from datatrove.pipeline.dedup.minhash import MinhashDedupSignature

    with TemporaryDirectory() as folder:
        step = MinhashDedupSignature(folder)
    plain = step._hash_func
    step._hash_func = lambda shingle: plain(shingle.encode())  # xxhash 4 refuses what datatrove hands it
    step.get_shingles("the first call loads spaCy's English")
    return speed(
        lambda: [step.get_signature(s) for text in texts if len(s := step.get_shingles(text))],
        megabytes(texts),
        times=3,
    )


def main() -> None:
    bulk, pages = text_bulk(), [text for _, text in crawl()]
    figures = {
        "benchmark": "signatures",
        "ours": ours(bulk),
        "rensa": rensa(bulk[::5]),
        "datatrove": datatrove(bulk[::50]),
        "crawl_ours": ours(pages),
        "crawl_datatrove": datatrove(pages[::20]),
    }
    figures |= {
        "datatrove_ratio": figures["ours"] / figures["datatrove"],
        "rensa_ratio": figures["ours"] / figures["rensa"],
        "crawl_datatrove_ratio": figures["crawl_ours"] / figures["crawl_datatrove"],
        "bulk_megabytes": megabytes(bulk),
        "crawl_megabytes": megabytes(pages),
        "load": os.getloadavg()[0],
    }
    tell(figures)


if __name__ == "__main__":
    main()

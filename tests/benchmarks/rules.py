"""All rules of Gopher, C4 and FineWeb: our columns beside datatrove's four filters in a chain.

    python -m tests.benchmarks.rules

MB (of UTF-8) a processor second of one thread, medians. Each document goes through datatrove's filters
until one drops it, as in its pipelines; ours computes every value of every document. datatrove is slow, so
it gets every 50th document of text_bulk and every 20th of the crawl.
"""

import os

import pyarrow as pa

from curation.annotate.rules import rules
from tests.benchmarks.corpora import crawl, megabytes, speed, text_bulk
from tests.benchmarks.figures import tell

ROWS = 1000  # documents of a batch


def ours(texts: list[str]) -> float:
    columns = [pa.array(texts[n : n + ROWS], pa.string()) for n in range(0, len(texts), ROWS)]
    batches = [pa.record_batch([column], names=["text"]) for column in columns]
    rules().annotate(batches[0])
    return speed(lambda: [rules().annotate(batch) for batch in batches], megabytes(texts), times=5)


def datatrove(texts: list[str]) -> float:
    from datatrove.data import Document
    from datatrove.pipeline.filters import (
        C4QualityFilter,
        FineWebQualityFilter,
        GopherQualityFilter,
        GopherRepetitionFilter,
    )
    from datatrove.utils.text import split_into_parts

    chain = (GopherRepetitionFilter(), GopherQualityFilter(), C4QualityFilter(), FineWebQualityFilter())

    def keeps(text: str) -> bool:
        document = Document(text=text, id="")
        return all(step.filter(document) is True for step in chain)

    def run() -> None:
        split_into_parts.cache_clear()
        for text in texts:
            keeps(text)

    keeps("The first call loads spaCy's English.")
    return speed(run, megabytes(texts), times=3)


def main() -> None:
    bulk, pages = text_bulk(), [text for _, text in crawl()]
    figures = {
        "benchmark": "rules",
        "ours": ours(bulk),
        "datatrove": datatrove(bulk[::50]),
        "crawl_ours": ours(pages),
        "crawl_datatrove": datatrove(pages[::20]),
    }
    figures |= {
        "datatrove_ratio": figures["ours"] / figures["datatrove"],
        "crawl_datatrove_ratio": figures["crawl_ours"] / figures["crawl_datatrove"],
        "documents_per_second": figures["ours"] / megabytes(bulk) * len(bulk),
        "load": os.getloadavg()[0],
    }
    tell(figures)


if __name__ == "__main__":
    main()

"""The weights that ship find the text of the pages that ship, which they have not learned from."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from fastwarc.warc import ArchiveIterator, WarcRecordType
from resiliparse.parse.html import HTMLTree

import curation
from curation.ingest.charset import decode
from curation.ingest.extract import page
from curation.recipe import Extract
from tests.benchmarks.extract import score

CRAWL = Path(curation.__file__).with_name("sample") / "crawl"
TEXT = "div.preface, div.chapter, div.section, div.book, div.appendix"
"""Where DocBook puts the text of a page of the Debian Handbook."""


def handbook() -> Iterator[str]:
    for path in sorted(CRAWL.glob("*/*.warc.gz")):
        with path.open("rb") as stream:
            for record in ArchiveIterator(stream, record_types=WarcRecordType.response, parse_http=True):
                if "debian-handbook" in record.headers["WARC-Target-URI"]:
                    yield decode(record.reader.read(), None)[0]


def test_pages_of_the_handbook_in_any_language_keep_their_text_and_nothing_else() -> None:
    scores = []
    for html in list(handbook())[::10]:
        part = HTMLTree.parse(html).body.query_selector(TEXT)
        if part:
            scores.append(score(page(html, Extract()).text, part.text))
    f1, precision, recall = np.mean(scores, 0)
    assert len(scores) >= 10
    assert f1 >= 0.90
    assert precision >= 0.97
    assert recall >= 0.84

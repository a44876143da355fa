"""What a document's URL says of it: datatrove's URL rules (those of FineWeb and RefinedWeb) as values.

The lists are those that ship with datatrove: blocked domains and URLs (the University of Toulouse's list of
adult sites), banned words, banned parts of words, and words of which two are too many. A URL's words are what
stands between characters that are no ASCII letters or digits, in small letters. Domains are found with the
public-suffix list that ships with tldextract. A document without a URL has false and zeros. The lists are
read when the first document comes, which takes some seconds; they take 40 MB.
"""

import importlib.util
import re
import tarfile
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curation.annotator import Annotator

COLUMNS = pa.schema(
    [
        pa.field("url_blocked", pa.bool_(), nullable=False),  # its registered domain, its host or itself
        pa.field("url_banned_word_count", pa.int64(), nullable=False),  # different ones, as in all counts
        pa.field("url_soft_word_count", pa.int64(), nullable=False),  # datatrove drops a document with 2
        pa.field("url_banned_subword_count", pa.int64(), nullable=False),  # in the letters and digits alone
    ]
)

_separators = re.compile(r"[^a-zA-Z0-9]+")


class Lists(NamedTuple):
    banned: frozenset[str]
    soft: frozenset[str]
    subwords: tuple[str, ...]
    domains: NDArray[np.uint64]  # hashes, ascending
    urls: NDArray[np.uint64]


def values_of(url: str) -> tuple[bool, int, int, int]:
    """The values of COLUMNS for one URL."""
    known = _lists()
    words = set(_separators.split(url.lower()))
    letters = _separators.sub("", url).lower()
    return (
        _blocked(url.split("\n", maxsplit=1)[0], known),
        len(words & known.banned),
        len(words & known.soft),
        sum(word in letters for word in known.subwords),
    )


def _blocked(url: str, known: Lists) -> bool:
    found = _extract()(url)
    hosts = [host for host in (found.top_domain_under_public_suffix, found.fqdn) if host]
    return _has(known.domains, hosts) or _has(known.urls, [url])


def _has(hashes: NDArray[np.uint64], texts: list[str]) -> bool:
    from curation.text.strings import hash_lines

    asked = hash_lines(np.frombuffer("".join(text + "\n" for text in texts).encode(), dtype=np.uint8))
    places = np.minimum(np.searchsorted(hashes, asked), len(hashes) - 1)
    return bool((hashes[places] == asked).any())


def _annotate(batch: pa.RecordBatch) -> pa.RecordBatch:
    nothing = (False, 0, 0, 0)
    rows = [values_of(url) if url else nothing for url in batch.column("url").to_pylist()]
    columns = zip(*rows, strict=True) if rows else ((),) * len(COLUMNS)
    arrays = [pa.array(values, field.type) for values, field in zip(columns, COLUMNS, strict=True)]
    return pa.record_batch(arrays, schema=COLUMNS)


@cache
def _extract() -> Any:
    from tldextract import TLDExtract

    return TLDExtract(cache_dir=None, suffix_list_urls=())


@cache
def _lists() -> Lists:
    package = importlib.util.find_spec("datatrove")
    assert package is not None, "datatrove is a dependency of this package"
    assert package.submodule_search_locations is not None
    folder = Path(package.submodule_search_locations[0]) / "assets"
    banned, soft, subwords = (
        {
            _separators.sub("", line).lower()
            for line in (folder / name).read_text().splitlines()
            if line[:1] != "#"
        }
        - {""}
        for name in ("banned_words.txt", "soft_banned_words.txt", "banned_subwords.txt")
    )
    with tarfile.open(folder / "url_filterblacklistsv0_3_0.tar.gz") as archive:
        domains, urls = (_hashes(archive, name) for name in ("domains", "urls"))
    return Lists(frozenset(banned), frozenset(soft), tuple(sorted(subwords)), domains, urls)


def _hashes(archive: tarfile.TarFile, name: str) -> NDArray[np.uint64]:
    """The hashes of a file's lines, ascending."""
    from curation.text.strings import hash_lines

    file = archive.extractfile(name)
    assert file is not None
    return np.unique(hash_lines(np.frombuffer(file.read() + b"\n", dtype=np.uint8)))


LISTS = {name: version(name) for name in ("datatrove", "tldextract")}
URL = Annotator("url", 1, COLUMNS, _annotate, LISTS)

"""Takedown: documents that are to be as if they had never been, by URL, domain or id.

A tombstone is a file that stays in the lake. It holds for all recipes: the next decisions drop what it names
before any rule or duplicate is looked at, so a document that was lost to it comes back. The text itself
stays in `documents/` until its archive is changed; no release made afterwards holds it.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Literal, cast, get_args
from urllib.parse import urlsplit

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curation import stage, storage
from curation.document import content_hash
from curation.errors import InputError
from curation.facts import Partition
from curation.layout import Layout
from curation.stage import Published

REASON = "taken_down"

Kind = Literal["url", "domain", "id"]
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Tombstone:
    """What is taken down: the document with this URL or id, or all of a domain and the hosts below it."""

    kind: Kind
    value: str
    why: str

    @property
    def name(self) -> str:
        return content_hash("tombstone", self.kind, self.value)


def kind(value: str, said: str | None) -> Kind:
    """What `value` is: as it is said, or by its form. Raises InputError."""
    told = said or ("url" if "://" in value else "domain" if "." in value else "id")
    if told not in get_args(Kind):
        raise InputError(f"{told!r} is not what can be taken down: url, domain or id")
    return cast(Kind, told)


def check(lake: Layout) -> None:
    """InputError if there is no lake: what is taken down in a folder of another name would stay released."""
    if not storage.names(lake.all_documents):
        raise InputError(f"{lake.root} holds no documents: name the folder of a lake, or s3://bucket/prefix")


def add(lake: Layout, kind: Kind, value: str, why: str) -> Tombstone:
    """Leave a tombstone; the one that is there already, if there is one. Raises InputError."""
    made = Tombstone(kind, _checked(kind, value), why)
    uri = storage.join(lake.tombstones, f"{made.name}.json")
    storage.create(uri, json.dumps(asdict(made), indent=1, ensure_ascii=False).encode())
    return Tombstone(**json.loads(storage.read_bytes(uri)))


def tombstones(lake: Layout) -> tuple[Tombstone, ...]:
    """All tombstones of the lake."""
    names = [name for name in storage.names(lake.tombstones) if name.endswith(".json")]
    return tuple(
        Tombstone(**json.loads(storage.read_bytes(storage.join(lake.tombstones, name)))) for name in names
    )


def rows(lake: Layout, partition: Partition, stones: tuple[Tombstone, ...]) -> Rows:
    """The documents of a partition that `stones` name, ascending. Looked for once, then remembered."""
    if not stones or not partition.documents.manifest.parts:
        return np.zeros(0, dtype=np.int64)
    key = content_hash("taken down", partition.documents.manifest.digest, *(stone.name for stone in stones))
    uri = storage.join(lake.tombstones, "found", f"{key}.json")
    if not storage.exists(uri):
        found = list(_search(partition.documents, stones))
        storage.write_bytes(uri, json.dumps(found).encode())
    return np.array(json.loads(storage.read_bytes(uri)), dtype=np.int64)


def ids(lake: Layout, stone: Tombstone) -> set[str]:
    """The ids of the documents that `stone` names, in all that the lake holds of them."""
    found: set[str] = set()
    for source in storage.names(lake.all_documents):
        for partition in storage.names(storage.join(lake.all_documents, source)):
            for documents in stage.generations(storage.join(lake.all_documents, source, partition)):
                if named := list(_search(documents, (stone,))):
                    every = _ids(documents)
                    found.update(every[row] for row in named)
    return found


def releases(lake: Layout, stone: Tombstone, ids: set[str]) -> dict[str, int]:
    """The releases that hold what `stone` names or one of `ids`, as recipe/release, and how many rows of it.

    A row is known by its URL too: the lake may no longer hold the documents that an old release is made of.
    """
    found: dict[str, int] = {}
    for recipe in storage.names(lake.releases):
        for name in storage.names(storage.join(lake.releases, recipe)):
            folder = storage.join(lake.releases, recipe, name, "data")
            shards = [n for n in storage.names(folder) if n.endswith(".parquet")]
            rows = sum(_held(storage.join(folder, shard), stone, ids) for shard in shards)
            if rows:
                found[f"{recipe}/{name}"] = rows
    return found


def _checked(kind: Kind, value: str) -> str:
    if kind == "url" and not urlsplit(value).hostname:
        raise InputError(f"{value!r} is no URL; write it as the documents have it: https://host/path")
    if kind == "domain" and ("/" in value or "." not in value.strip(".")):
        raise InputError(f"{value!r} is no domain; write example.org, which takes www.example.org too")
    if kind == "id" and (len(value) != 32 or set(value) - set("0123456789abcdef")):
        raise InputError(f"{value!r} is no id: an id has 32 hex digits; `curation explain` shows it whole")
    return value.lower().strip(".") if kind == "domain" else value


def _search(documents: Published, stones: tuple[Tombstone, ...]) -> Iterator[int]:
    first = 0
    for uri in documents.part_uris():
        for batch in stage.read_batches(uri, ["id", "url"], rows=10_000):
            yield from (first + row for row in _named(batch, stones))
            first += batch.num_rows


def _named(documents: pa.RecordBatch, stones: tuple[Tombstone, ...]) -> Iterator[int]:
    """The rows of `documents` that `stones` name."""
    named = {kind: {s.value for s in stones if s.kind == kind} for kind in ("url", "domain", "id")}
    pairs = zip(documents["id"].to_pylist(), documents["url"].to_pylist(), strict=True)
    for row, (id_, url) in enumerate(pairs):
        if id_ in named["id"] or url in named["url"] or _under(url, named["domain"]):
            yield row


def _under(url: str | None, domains: set[str]) -> bool:
    """Whether the host of `url` is one of `domains`, or below one."""
    if not url or not domains:
        return False
    try:
        labels = (urlsplit(url).hostname or "").strip(".").split(".")
    except ValueError:  # a host in brackets that is no address
        return False
    return any(".".join(labels[n:]) in domains for n in range(len(labels)))


def _ids(documents: Published) -> list[str]:
    return [id_ for uri in documents.part_uris() for id_ in stage.read_table(uri, ["id"])["id"].to_pylist()]


def _held(shard: str, stone: Tombstone, ids: set[str]) -> int:
    """How many rows of a shard are taken down, or were written from a document that is."""
    held = 0
    gone = ids | ({stone.value} if stone.kind == "id" else set())
    for batch in stage.read_batches(shard, ["id", "url", "parents"], rows=10_000):
        named = set(_named(batch, (stone,)))
        lines = zip(batch["id"].to_pylist(), batch["parents"].to_pylist(), strict=True)
        named.update(row for row, (id_, parents) in enumerate(lines) if not gone.isdisjoint([id_, *parents]))
        held += len(named)
    return held

"""What is to be ingested: the files of a partition, in groups that are worth minutes of work each.

A plan lies in the lake beside the documents that it will become, and is named by its URI, which is all that
passes between tasks. Groups are made of whole files, in the order of their names.
"""

import json
import re
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from curation import layout, stage, storage
from curation.document import content_hash
from curation.errors import LakeError, RecipeError
from curation.fingerprint import fingerprint
from curation.layout import Layout
from curation.manifest import Input
from curation.recipe import Source

VERSION = 3  # of what ingest makes of an archive
WEIGHTS = Path(__file__).with_name("ingest") / "blocks.npz"
GROUP_BYTES = 256_000_000  # of archive


@dataclass(frozen=True)
class Place:
    """A partition of a source's documents, as one fingerprint makes them."""

    source: str
    fingerprint: str
    partition: str

    def documents(self, lake: Layout) -> str:
        return lake.documents(self.source, self.fingerprint, self.partition)


@dataclass(frozen=True)
class Plan:
    """One piece of work: some files of one partition of one source."""

    source: str
    partition: str
    inputs: tuple[Input, ...]


_version = cache(version)  # it reads a file each time


def place(source: Source, partition: str) -> Place:
    """Where the documents of a partition lie: settings, weights and the libraries that read archives decide.

    RecipeError where the extractor is not installed.
    """
    extractor = source.extract.extractor
    others = ("datatrove", "trafilatura") if extractor == "trafilatura" else ()
    try:
        libraries = {name: _version(name) for name in ("fastwarc", "resiliparse", *others)}
    except PackageNotFoundError as error:
        raise RecipeError(
            f"source {source.name!r}: extractor: {extractor} needs the package {error.name}, which is not "
            f"installed: pip install 'curation[{error.name}]', or extractor: blocks"
        ) from error
    asked = {**source.model_dump(mode="json"), "libraries": libraries}
    if extractor == "blocks":
        asked["weights"] = _weights()
    return Place(source.name, fingerprint("documents", VERSION, asked), partition)


@cache
def _weights() -> str:
    return content_hash(WEIGHTS.read_bytes())


def plan(lake: Layout, source: Source, partition: str) -> list[str]:
    """The URIs of the plans for a partition; none if it has no files."""
    _claim(lake, source)
    prefix, files = source_files(source, partition)
    groups: list[list[Input]] = []
    filled = GROUP_BYTES
    for uri, size in files:
        if filled + size > GROUP_BYTES:
            groups.append([])
            filled = 0
        groups[-1].append(Input(name=uri.removeprefix(prefix), digest=storage.digest(uri)))
        filled += size
    directory = place(source, partition).documents(lake)
    uris = []
    for group in groups:
        uri = layout.plan(directory, stage.key(group))
        inputs = [i.model_dump() for i in group]
        text = json.dumps({"source": source.name, "partition": partition, "inputs": inputs}, indent=1)
        storage.write_bytes(uri, text.encode())
        uris.append(uri)
    return uris


def _claim(lake: Layout, source: Source) -> None:
    """Refuse a second source of the same name and settings that is read from elsewhere: where archives lie is
    not in the fingerprint, so the two would share a folder, and each other's documents."""
    uri = lake.source(source.name, place(source, "").fingerprint)
    if not storage.create(uri, source.path.encode()):
        claimed = storage.read_bytes(uri).decode()
        if claimed != source.path:
            raise LakeError(
                f"source {source.name} of this lake is read from {claimed}, not from {source.path}: give the "
                f"other one another name, or, if the archives have moved, remove {uri}"
            )


def read_plan(uri: str) -> Plan:
    """The plan at `uri`."""
    found = json.loads(storage.read_bytes(uri))
    inputs = tuple(Input(**i) for i in found["inputs"])
    return Plan(found["source"], found["partition"], inputs)


def source_files(source: Source, partition: str) -> tuple[str, list[tuple[str, int]]]:
    """The folder that a partition's files are named from, and their URIs with sizes in bytes, by name."""
    pattern = source.path.replace("{partition}", partition)
    fixed = re.match(r"(?:[^*?\[]|\[[*?\[]\])*/", pattern)  # a wildcard in brackets stands for itself
    folder = re.sub(r"\[([*?\[])\]", r"\1", fixed[0]) if fixed else ""
    return folder, storage.glob(pattern)

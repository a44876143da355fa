"""What lies in a lake, which recipe needs it, and the removal of what none needs.

Of what can be computed again (`layout.COMPUTED`) go: folders that no recipe needs; in those that one needs,
generations that nothing reads any more, and files that no manifest or record names. Anywhere go unfinished
files of processes that were killed. Only what is older than `needs.SAFE_SECONDS` goes. All else stays:
releases, the ledger and its answers, tombstones, approvals, and whatever this version does not know.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from posixpath import basename, dirname
from typing import Any

from curation import layout, storage
from curation.errors import LakeError
from curation.layout import Layout
from curation.needs import SAFE_SECONDS, Needs, needs, standing
from curation.pipeline import Job
from curation.recipe import Recipe
from curation.storage import Stored

_MANIFEST = re.compile(r"manifest-\d{6,}\.json")
_OUTPUT = re.compile(r"[a-z]+-[0-9a-f]{32}\.(parquet|bin|json)")  # a file that is named by its digest
_UNFINISHED = re.compile(r"\..+-[0-9a-f]{32}")  # what `storage.create` links to its name


@dataclass
class Usage:
    """What a folder of the lake holds. `garbage` may go; as much as `young` files may once they are older."""

    name: str  # below the lake's root
    always: bool  # stays, whatever recipes need
    needed_by: set[str] = field(default_factory=set)  # names of recipes
    files: int = 0
    bytes: int = 0
    garbage: list[Stored] = field(default_factory=list)
    young: int = 0
    emptied: list[str] = field(default_factory=list)  # folders of which nothing is left without the garbage


def survey(lake: Layout, recipes: Sequence[Recipe], now: float) -> list[Usage]:
    """What each folder of the lake holds, by name; `recipes` are those that count. Changes nothing.

    Raises LakeError if nothing is there, or nothing that one of the recipes made: then what it needs would be
    taken for garbage that other settings, or other versions of the libraries, have made.
    """
    listed = storage.files(lake.root)
    if not listed:
        raise LakeError(f"{lake.root} holds no files: name the folder of a lake, or s3://bucket/prefix")
    times = {file.uri: file.modified for file in listed}
    jobs = [Job(recipe, lake, lake.ledger, look_only=True) for recipe in recipes]
    needed = [(job.recipe.name, needs(job, times, now)) for job in jobs]
    _refuse_strangers(lake, needed)
    rows: dict[str, Usage] = {}
    for folder, files in _by_folder(lake, listed).items():
        name, always = _row(lake, folder)
        row = rows.setdefault(name, Usage(name, always))
        row.files += len(files)
        row.bytes += sum(file.bytes for file in files)
        _judge(row, folder, files, needed, now)
    return [rows[name] for name in sorted(rows)]


def remove(lake: Layout, rows: Sequence[Usage]) -> list[Stored]:
    """Remove the garbage of `rows`; what was removed.

    In an order in which a kill leaves no record or manifest without its parts, and of several generations the
    newest ones.
    """
    ordered = sorted((file for row in rows for file in row.garbage), key=_turn)
    removed = [gone for _, files in groupby(ordered, _turn) for gone in storage.remove(files)]
    for row in rows:
        for folder in [storage.join(lake.root, row.name)] if len(row.garbage) == row.files else row.emptied:
            storage.remove_empty(folder)
    return removed


def not_named(lake: Layout, recipes: Sequence[Recipe]) -> list[str]:
    """The recipes that have releases in the lake, and are none of these."""
    return sorted(set(storage.names(lake.releases)) - {recipe.name for recipe in recipes})


def sweep(
    files: Sequence[Stored], named: Mapping[str, frozenset[str]], read: frozenset[str], now: float
) -> list[Stored]:
    """The garbage of a folder that is needed, young or not. `named` has the URIs that each manifest and
    record names; `read` are manifests that stay whatever their age."""
    times = {file.uri: file.modified for file in files}
    stays = _standing(times, read, now)
    gone = {uri for uri in times if _is_manifest(uri)} - stays
    here = _union(named, stays)
    before = _union(named, gone) - here
    over = {uri for uri in times if _is_record(uri) and _is_over(named[uri] & times.keys(), here, before)}
    # A run writes the plans of all that it is about to do, or finds done.
    over -= {uri for uri in over if _is_young(times, uri, now) or _is_young(times, _plan_of(uri), now)}
    here |= _union(named, {uri for uri in times if _is_record(uri)} - over)
    loose = {uri for uri in times if _OUTPUT.fullmatch(basename(uri))} - here
    plans = {_plan_of(uri) for uri in over}
    return [file for file in files if file.uri in over | plans | gone | loose]


def _judge(
    row: Usage, folder: str, files: list[Stored], needed: Sequence[tuple[str, Needs]], now: float
) -> None:
    """Note what of a folder may go, and who needs it."""
    finished = []
    for scratch, left in _by_scratch(files).items():
        if not scratch:
            finished = left
        elif _newest(left) > now - SAFE_SECONDS:
            row.young += len(left)
        else:
            row.garbage += left
            row.emptied.append(scratch)
    if row.always or not finished:
        return
    by = [(name, of) for name, of in needed if of.holds(folder)]
    row.needed_by |= {name for name, _ in by}
    if by:
        read = frozenset().union(*(of.manifests for _, of in by))
        found = sweep(finished, _all_named(finished, read, now), read, now)
        garbage = [file for file in found if file.modified <= now - SAFE_SECONDS]
        row.young += len(found) - len(garbage)
        row.garbage += garbage
    elif _newest(finished) > now - SAFE_SECONDS:
        row.young += len(finished)
    else:
        row.garbage += finished
        row.emptied.append(folder)


def _refuse_strangers(lake: Layout, needed: Sequence[tuple[str, Needs]]) -> None:
    for name, of in needed:
        if not of.found:
            raise LakeError(
                f"{lake.root} holds nothing that recipe {name} makes of its sources on this machine: "
                "run it here first, or leave it out if it is not run in this lake"
            )


def _all_named(files: Sequence[Stored], read: frozenset[str], now: float) -> dict[str, frozenset[str]]:
    """What the manifests and records of a folder name. Records are read only where they matter: where a
    generation is superseded, or a file is in no manifest."""
    times = {file.uri: file.modified for file in files}
    manifests = {uri for uri in times if _is_manifest(uri)}
    records = {uri for uri in times if _is_record(uri)}
    named = dict(storage.in_parallel(_named, sorted(manifests)))
    outputs = {uri for uri in times if _OUTPUT.fullmatch(basename(uri))}
    stays = _standing(times, read, now)
    if stays == manifests and outputs <= _union(named, stays):
        return named | dict.fromkeys(records, frozenset())
    return named | dict(storage.in_parallel(_named, sorted(records)))


def _named(uri: str) -> frozenset[str]:
    """Every file that the manifest or record at `uri` may name: whatever it says, as a name in its folder."""
    folder = _piece(uri)[0] if _is_record(uri) else dirname(uri)
    try:
        said = json.loads(storage.read_bytes(uri))
    except ValueError as error:
        raise LakeError(f"{uri} is no JSON: remove it by hand if nothing needs it ({error})") from error
    return frozenset(storage.join(folder, text) for text in _strings(said))


def _strings(said: Any) -> Iterator[str]:
    if isinstance(said, str):
        yield said
    elif isinstance(said, dict | list):
        for value in said.values() if isinstance(said, dict) else said:
            yield from _strings(value)


def _standing(times: Mapping[str, float], read: frozenset[str], now: float) -> set[str]:
    """The manifests that stay: of each folder the newest, the young, and what is read."""
    by_folder = defaultdict(list)
    for uri in times:
        if _is_manifest(uri):
            by_folder[dirname(uri)].append(uri)
    stays = [standing(manifests, times, now) for manifests in by_folder.values()]
    return set().union(*stays) | (read & times.keys())


def _is_over(files: frozenset[str], here: set[str], before: set[str]) -> bool:
    """Whether what a record names is in superseded generations alone. In no manifest: work under way."""
    return bool(files) and files <= before and not files & here


def _union(named: Mapping[str, frozenset[str]], uris: set[str]) -> set[str]:
    return set().union(*(named[uri] for uri in uris))


def _by_folder(lake: Layout, listed: Sequence[Stored]) -> dict[str, list[Stored]]:
    """Files by the folder of the stage that wrote them; a file that lies above such folders is its own."""
    root = lake.root.rstrip("/")
    found = defaultdict(list)
    for file in listed:
        names = file.uri[len(root) + 1 :].split("/")
        _, count = layout.COMPUTED.get(names[0], (0, _names_shown(names[0])))
        found[storage.join(root, *names[:count])].append(file)
    return found


def _row(lake: Layout, folder: str) -> tuple[str, bool]:
    """The folder that is shown for a stage's folder, and whether it stays always."""
    names = folder[len(lake.root.rstrip("/")) + 1 :].split("/")
    count, _ = layout.COMPUTED.get(names[0], (_names_shown(names[0]), 0))
    return "/".join(names[:count]), names[0] not in layout.COMPUTED


def _names_shown(kind: str) -> int:
    return layout.RELEASE_NAMES if kind == "releases" else 1


def _by_scratch(files: Sequence[Stored]) -> dict[str, list[Stored]]:
    """Files by the scratch folder that holds them; those that are in none under ""."""
    found = defaultdict(list)
    for file in files:
        folder, mark, below = file.uri.partition(f"/{storage.SCRATCH}")
        if mark:
            found[folder + mark + below.split("/")[0]].append(file)
        else:
            found[file.uri if _UNFINISHED.fullmatch(basename(file.uri)) else ""].append(file)
    return found


def _turn(file: Stored) -> tuple[int, str]:
    """When a file is removed: records and plans, manifests generation by generation, then what they named."""
    if _is_record(file.uri) or _plan_of(file.uri) == file.uri:
        return 0, ""
    return (1, basename(file.uri)) if _is_manifest(file.uri) else (2, "")


def _is_manifest(uri: str) -> bool:
    return bool(_MANIFEST.fullmatch(basename(uri)))


def _is_record(uri: str) -> bool:
    return uri == layout.record(*_piece(uri))


def _plan_of(uri: str) -> str:
    """The plan of the piece of work that `uri`, a record or a plan, is of."""
    return layout.plan(*_piece(uri))


def _piece(uri: str) -> tuple[str, str]:
    """The stage's folder and the key that a record or plan is named by."""
    return dirname(dirname(uri)), basename(uri).removesuffix(".json")


def _is_young(times: Mapping[str, float], uri: str, now: float) -> bool:
    return uri in times and now - times[uri] < SAFE_SECONDS


def _newest(files: Sequence[Stored]) -> float:
    return max(file.modified for file in files)

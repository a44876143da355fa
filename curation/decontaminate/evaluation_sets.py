"""A folder of evaluation sets: each `*.jsonl`, plain or compressed (`.gz`, `.zst`), is a set of that name.

A line is an item, a JSON object. Its text is all of its strings, in the order of the line, those within lists
and objects too: the question, the choices, the answer, whatever they are called. The names of fields and the
field `id` are no text. An item is called by its `id`, if that is a string or a whole number, else by the
number of its line, from 1.
"""

import gzip
import json
from codecs import BOM_UTF8
from collections.abc import Iterator
from typing import Any, NamedTuple

import zstandard

from curation import storage
from curation.errors import InputError, RecipeError

_ENDS = (".jsonl", ".jsonl.gz", ".jsonl.zst")


class EvaluationSet(NamedTuple):
    name: str
    items: list[str]  # what each is called
    texts: list[str]


def digests(folder: str) -> dict[str, str]:
    """The digest of each set's file, by its name, in order. RecipeError if there is none in `folder`."""
    return {name: storage.digest(uri) for name, uri in _files(folder).items()}


def read(folder: str) -> list[EvaluationSet]:
    """The sets in `folder`, by name. RecipeError where a line is no item, or a set has no text."""
    return [_read(name, uri) for name, uri in _files(folder).items()]


def _files(folder: str) -> dict[str, str]:
    files: dict[str, str] = {}
    for file in storage.names(folder):
        end = next((end for end in _ENDS if file.endswith(end)), None)
        if end is None:
            continue
        name = file.removesuffix(end)
        if name in files:
            raise RecipeError(f"{folder} has the evaluation set {name!r} twice, in {file} too: leave one")
        files[name] = storage.join(folder, file)
    if not files:
        said = "holds no *.jsonl, *.jsonl.gz or *.jsonl.zst" if storage.exists(folder) else "does not exist"
        raise RecipeError(
            f"annotate.decontaminate.path: {folder} {said}: name the folder of the evaluation sets"
        )
    return dict(sorted(files.items()))


def _read(name: str, uri: str) -> EvaluationSet:
    made = EvaluationSet(name, [], [])
    for number, line in enumerate(_inflated(uri).removeprefix(BOM_UTF8).split(b"\n"), start=1):
        if line.strip():
            item = _object(line, f"{uri}:{number}")
            id_ = item.pop("id", None)
            made.items.append(str(id_) if type(id_) in (str, int) else str(number))
            made.texts.append("\n".join(_strings(item)))
    if not any(text.strip() for text in made.texts):
        raise RecipeError(f"{uri}: no line has a string, so nothing can be found of it: take the file away")
    return made


def _inflated(uri: str) -> bytes:
    data = storage.read_bytes(uri)
    try:
        if uri.endswith(".gz"):
            return gzip.decompress(data)
        if uri.endswith(".zst"):
            return zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True).read()
    except (OSError, EOFError, zstandard.ZstdError) as error:
        raise InputError(f"{uri} cannot be inflated ({error}): fetch it again") from error
    return data


def _object(line: bytes, where: str) -> dict[str, Any]:
    try:
        item = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise RecipeError(f"{where}: no JSON ({error}): mend the line, or take the file away") from error
    if not isinstance(item, dict):
        shown = line.decode(errors="replace").strip()[:80]
        raise RecipeError(
            f"{where}: an item of an evaluation set is a JSON object with strings, not {shown}: mend the line"
        )
    return item


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _strings(inner)

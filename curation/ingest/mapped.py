"""A mapped record, a JSON object or a row of a table, into a document."""

import json
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from difflib import get_close_matches

from curation.errors import InputError
from curation.ingest.licenses import license_of
from curation.ingest.outcome import Document, UnreadableError
from curation.recipe import Source


def document(source: Source, fields: Mapping[str, object], raw_key: str, file: str, offset: int) -> Document:
    """The document that `fields` become by `source.columns`; without a mapped id its key is `raw_key`.

    Raises UnreadableError: `text_missing`, `text_not_a_string`, `no_id`, `bad_id`, `bad_url`, `bad_license`,
    `bad_fetched_at`, `bad_metadata`, `lone_surrogate`.
    """
    columns = source.columns
    text = fields.get(columns.text)
    if text is None:
        raise UnreadableError("text_missing", f"no {columns.text!r}")
    if not isinstance(text, str):
        raise UnreadableError("text_not_a_string", f"{columns.text!r} is {_shown(text)}")
    url = _string(fields, columns.url, "bad_url")
    metadata = {name: fields[name] for name in columns.metadata if fields.get(name) is not None}
    made = Document(
        key=raw_key if columns.id is None else _id(fields, columns.id),
        text=text,
        url=url,
        fetched_at=_moment(fields.get(columns.fetched_at)) if columns.fetched_at else None,
        license=_string(fields, columns.license, "bad_license") or license_of(source, url),
        metadata={"file": file, "record": offset} | ({"columns": metadata} if metadata else {}),
        file=file,
        offset=offset,
        repeats=columns.id is None,
    )
    _check(made)
    return made


def check_columns(source: Source, name: str, present: Sequence[str]) -> list[str]:
    """The columns that `source` maps; InputError for one that the file `name` has not among `present`."""
    mapping = source.columns
    single = (mapping.text, mapping.id, mapping.url, mapping.fetched_at, mapping.license)
    wanted = list(dict.fromkeys([column for column in single if column] + list(mapping.metadata)))
    for column in wanted:
        if column not in present:
            near = get_close_matches(column, present, n=3, cutoff=0.5) or present[:10]
            raise InputError(
                f"source {source.name!r}: {name} has no column {column!r}; nearest: {', '.join(near)}. "
                f"Name the columns that it has in the recipe."
            )
    return wanted


def _shown(value: object) -> str:
    return f"{value!r:.80}"


def _string(fields: Mapping[str, object], column: str | None, reason: str) -> str | None:
    value = fields.get(column) if column else None
    if value is not None and not isinstance(value, str):
        raise UnreadableError(reason, f"{column!r} is {_shown(value)}, not a string")
    return value


def _id(fields: Mapping[str, object], column: str) -> str:
    value = fields.get(column)
    if value is None or value == "":
        raise UnreadableError("no_id", f"no {column!r}, which columns.id names")
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise UnreadableError("bad_id", f"{column!r} is {_shown(value)}, neither a string nor a whole number")
    return str(value)


def _moment(value: object) -> datetime | None:
    """ISO 8601, UTC where it names no zone, or seconds since 1970."""
    try:
        match value:
            case None | "":
                return None
            case datetime():
                moment = value
            case date():  # a Parquet column of days
                moment = datetime.combine(value, time())
            case str():
                moment = datetime.fromisoformat(value.strip())
            case int() | float() if not isinstance(value, bool) and math.isfinite(value):
                moment = datetime.fromtimestamp(value, UTC)
            case _:
                raise ValueError
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError, OSError) as error:
        detail = f"{_shown(value)} is neither an ISO 8601 date nor seconds since 1970"
        raise UnreadableError("bad_fetched_at", detail) from error


def _check(made: Document) -> None:
    """Whether Arrow and JSON can hold it."""
    try:
        metadata = json.dumps(made.metadata, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise UnreadableError("bad_metadata", f"not JSON: {error}") from error
    for value in (made.text, made.key, made.url or "", made.license or "", metadata):
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise UnreadableError("lone_surrogate", f"{value[error.start]!r} is half a character") from error

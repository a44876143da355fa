"""Gold labels: documents that people have judged, as a table on the rubric's scale.

They are read as any source's archives are, so what is wrong with a row is a quarantine row with its reason.
A label becomes a level, 0 for the worst of the scale, in one of three ways, which `mapping` names:

    as they are    every label is a number of the rubric's scale
    order          labels are words; those of `judge.gold.order` are spread evenly over the scale
    quantiles      other numbers: the scale's levels get equal shares of the documents, ties stay together

Ranks (Spearman) do not depend on the way; kappa and the mean absolute error do.
"""

import functools
import json
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from posixpath import basename
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from curation import ingest, storage
from curation.document import QUARANTINE_SCHEMA, SCHEMA, content_hash
from curation.errors import InputError
from curation.judge.calibration.agreement import Ints, Numbers, cut_like
from curation.manifest import Input
from curation.recipe import Columns, Source
from curation.recipe import Gold as Settings

Mapping = Literal["as they are", "order", "quantiles"]

GOLD = pa.schema(
    [
        *(SCHEMA.field(name) for name in ("id", "digest", "source", "text")),
        pa.field("group", pa.string()),  # of documents that are no independent evidence; null is none
        pa.field("label", pa.float64(), nullable=False),  # as given; a word's place in the order, from 0
        pa.field("level", pa.int64(), nullable=False),  # a place on the rubric's scale, from 0
    ]
)


@dataclass(frozen=True)
class Gold:
    """`documents` is a table of GOLD, `quarantine` one of QUARANTINE_SCHEMA. Of the `rows` that were read,
    `dropped` says why some are no documents: those of `quarantine`, and sound ones without text."""

    settings: Settings
    input: Input
    mapping: Mapping
    documents: pa.Table
    quarantine: pa.Table
    rows: int
    dropped: dict[str, int]

    @property
    def name(self) -> str:
        """The file's name, by which reports call it."""
        return _name(self.settings)


def read(settings: Settings, scale: Sequence[int]) -> Gold:
    """The gold labels that a recipe names, on `scale`. InputError where no row can be used."""
    rows, quarantine, skipped, count = _rows(settings)
    kept, bad = _labelled(rows, settings)
    quarantine = pa.concat_tables([quarantine, pa.Table.from_pylist(bad, QUARANTINE_SCHEMA)])
    dropped = skipped + Counter(quarantine.column("reason").to_pylist())
    if not kept:
        _refuse(settings, count, dropped, bad)
    labels = np.array([row["label"] for row in kept], dtype=np.float64)
    mapping, levels = _levels(labels, scale, len(settings.order))
    for row, level in zip(kept, levels.tolist(), strict=True):
        row["level"] = level
    return Gold(
        settings=settings,
        input=_input(settings),
        mapping=mapping,
        documents=pa.Table.from_pylist(kept, GOLD),
        quarantine=quarantine,
        rows=count,
        dropped=dict(sorted(dropped.items())),
    )


def _name(settings: Settings) -> str:
    return basename(settings.path)


def _input(settings: Settings) -> Input:
    how = settings.model_dump(include={"text", "label", "source", "group", "id", "order"}, mode="json")
    said = json.dumps(how, sort_keys=True)
    return Input(
        name=f"gold/{_name(settings)}", digest=content_hash("gold", storage.digest(settings.path), said)
    )


def _rows(settings: Settings) -> tuple[list[dict[str, Any]], pa.Table, Counter[str], int]:
    """The documents, what is quarantined, what is skipped by reason, and the count of all."""
    if not storage.exists(settings.path):
        raise InputError(f"there is no {settings.path}: name the file of gold labels in judge.gold.path")
    source = Source(
        name="gold", format=_format(settings.path), path=settings.path, columns=_columns(settings)
    )
    opener = functools.partial(storage.open_input, settings.path)
    batches = list(ingest.read(source, [(_name(settings), opener)]))
    tables = [pa.Table.from_batches([batch.quarantined]) for batch in batches]
    rows = [row for batch in batches for row in batch.documents.to_pylist()]
    skipped: Counter[str] = Counter()
    for batch in batches:
        skipped.update(batch.skipped)
    quarantine = pa.concat_tables([QUARANTINE_SCHEMA.empty_table(), *tables])
    return rows, quarantine, skipped, sum(batch.records for batch in batches)


def _columns(settings: Settings) -> Columns:
    beside = filter(None, (settings.label, settings.source, settings.group))
    return Columns(text=settings.text, id=settings.id, metadata=tuple(dict.fromkeys(beside)))


def _format(path: str) -> Literal["jsonl", "csv", "parquet"]:
    bare = path.removesuffix(".gz").removesuffix(".zst")
    if bare.endswith(".csv"):
        return "csv"
    return "parquet" if bare.endswith(".parquet") else "jsonl"


def _labelled(
    rows: list[dict[str, Any]], settings: Settings
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The rows that have a label, and quarantine rows for the others and for a text that came before."""
    kept: dict[str, dict[str, Any]] = {}
    bad = []
    for row in rows:
        metadata = json.loads(row["metadata"])
        fields = metadata.get("columns", {})
        label = _label(fields.get(settings.label), settings.order)
        if not isinstance(label, tuple) and row["digest"] in kept:
            label = ("repeated_text", f"that of {kept[row['digest']]['id']}, whose label counts")
        if isinstance(label, tuple):
            where = {"source": "gold", "file": metadata["file"], "offset": metadata["record"]}
            bad.append({**where, "reason": label[0], "detail": label[1]})
            continue
        source = str(fields.get(settings.source, "")) if settings.source else _name(settings)
        group = fields.get(settings.group) if settings.group else None
        group = None if group in (None, "") else str(group)
        kept[row["digest"]] = {**row, "source": source, "group": group, "label": label}
    return list(kept.values()), bad


def _label(value: object, order: Sequence[str]) -> float | tuple[str, str]:
    """A label as a number, or why it is none: (reason, detail)."""
    if value is None or value == "":
        return "no_label", "the column is empty or not there"
    if order:
        word = str(value)
        if word in order:
            return float(order.index(word))
        return "label_not_in_order", f"{word[:80]!r} is none of {', '.join(order)}"
    try:
        number = float(value) if isinstance(value, str | int | float) else math.nan
    except (ValueError, OverflowError):
        number = math.nan
    return number if math.isfinite(number) else ("label_not_a_number", f"{value!r:.80}")


def _levels(labels: Numbers, scale: Sequence[int], words: int) -> tuple[Mapping, Ints]:
    places = {float(score): place for place, score in enumerate(scale)}
    top = len(scale) - 1
    if words:
        spread = np.floor(labels * top / max(words - 1, 1) + 0.5)
        return "order", spread.astype(np.int64)
    if all(label in places for label in labels.tolist()):
        return "as they are", np.array([places[label] for label in labels.tolist()], dtype=np.int64)
    equal_shares = np.arange(len(labels)) * len(scale) // len(labels)
    return "quantiles", cut_like(labels, equal_shares)


def _refuse(settings: Settings, rows: int, dropped: Counter[str], bad: Sequence[dict[str, Any]]) -> None:
    reasons = ", ".join(f"{count} {reason}" for reason, count in dropped.most_common(5)) or "it is empty"
    example = f" (e.g. {bad[0]['detail']})" if bad else ""
    raise InputError(
        f"none of the {rows} rows of {settings.path} is a document with a label: {reasons}{example}. "
        f"judge.gold reads the text from {settings.text!r} and the label from {settings.label!r}; name the "
        "columns, and for labels that are words their order, from the worst to the best"
    )

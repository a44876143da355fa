"""A release, packed once: documents become tokens, and tokens become rows of `context` + 1 tokens.

A row is virtual: a list of segments, each a stretch of one document's tokens. Lineage (which documents were
in row r) is then an index look-up, and no text is read again. How documents are cut and packed is told in
`best_fit.py`; each token is in exactly one row, and what a row lacks is padding. Shards are packed one by
one: memory holds the index of one shard and the texts of one record batch.

In the folder, little-endian:

    tokens.bin          uint16: the tokens of all documents, each ended by the end-of-text token
    documents.arrow     one row a document, by number: id, start (in tokens.bin), tokens, held_out
    train-segments.bin, held_out-segments.bin   SEGMENT of best_fit.py, row by row
    train-rows.bin, held_out-rows.bin           int64: 0, then the number of segments up to each row's end
    packing.json        counts; written last: without it the folder was not finished
"""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curation import storage
from curation.errors import InputError
from curation.pretrain import held_out, release, tokenizer
from curation.pretrain.best_fit import pack_rows

VERSION = 1  # raised when the same release would be packed otherwise
SPLITS = ("train", "held_out")
DOCUMENTS = pa.schema(
    [("id", pa.string()), ("start", pa.int64()), ("tokens", pa.int64()), ("held_out", pa.bool_())]
)
Integers = NDArray[np.int64]
_BATCH_DOCUMENTS = 64


def pack(source: Path, out: Path, context: int) -> dict[str, Any]:
    """Pack the release in the folder `source` into `out`, or find it packed; the counts of packing.json.

    InputError if the release has no documents. A killed packing leaves no packing.json and is done again.
    """
    finished = out / "packing.json"
    if finished.exists():
        return dict(json.loads(finished.read_text()))
    with storage.scratch(str(out)) as scratch:
        counts = _write(source, scratch, context + 1)
        for path in sorted(scratch.iterdir()):
            storage.publish(path, str(out / path.name))
    storage.write_bytes(str(finished), json.dumps(counts, indent=1).encode())
    return counts


def _write(source: Path, out: Path, row_tokens: int) -> dict[str, Any]:
    """Tokens, documents and both indexes into `out`; the counts."""
    shards = release.shards(source)
    limit = held_out.threshold(key for shard in shards for key in _keys(shard))
    count = total = 0
    with ExitStack() as files:
        tokens = files.enter_context((out / "tokens.bin").open("wb"))
        documents = files.enter_context(pa.ipc.new_file(str(out / "documents.arrow"), DOCUMENTS))
        indexes = {split: files.enter_context(_Index(out, split, row_tokens)) for split in SPLITS}
        for shard in shards:
            table = _tokenised(shard, tokens, limit)
            documents.write_table(table)
            numbers = np.arange(count, count + len(table))
            starts, lengths, held = (table[name].to_numpy() for name in ("start", "tokens", "held_out"))
            for split, chosen in zip(SPLITS, (~held, held), strict=True):
                indexes[split].add(numbers[chosen], starts[chosen], lengths[chosen])
            count, total = count + len(table), total + int(lengths.sum())
        rows = {split: index.rows for split, index in indexes.items()}
    if count == 0:
        raise InputError(f"{source} has no documents to train on: loosen the recipe's rules")
    padding = 1 - total / (row_tokens * sum(rows.values()))
    return {"documents": count, "tokens": total, "rows": rows, "padding_ratio": round(padding, 6)}


def _keys(shard: Path) -> Iterator[int]:
    """Each document's key for holding out, in order."""
    for batch in release.read(shard, ["id", "parents"], _BATCH_DOCUMENTS):
        for name, parents in zip(batch["id"].to_pylist(), batch["parents"].to_pylist(), strict=True):
            yield held_out.key(name, parents or [])


def _tokenised(shard: Path, tokens: BinaryIO, limit: int) -> pa.Table:
    """The documents of a shard as DOCUMENTS, their tokens appended to the file `tokens`."""
    model = tokenizer.load()
    end = model.token_to_id(tokenizer.END_OF_TEXT)
    batches = [DOCUMENTS.empty_table()]
    for batch in release.read(shard, ["id", "text", "parents"], _BATCH_DOCUMENTS):
        ids, parents = batch["id"].to_pylist(), batch["parents"].to_pylist()
        start, lengths = tokens.tell() // 2, []
        for encoding in model.encode_batch_fast(batch["text"].to_pylist(), add_special_tokens=False):
            tokens.write(np.array([*encoding.ids, end], "<u2").tobytes())
            lengths.append(len(encoding.ids) + 1)
        starts = start + np.cumsum([0, *lengths[:-1]])
        held = [held_out.key(name, of or []) <= limit for name, of in zip(ids, parents, strict=True)]
        batches.append(pa.table([ids, starts, lengths, held], schema=DOCUMENTS))
    return pa.concat_tables(batches)


class _Index:
    """The rows of one split, appended shard by shard to two files."""

    def __init__(self, folder: Path, split: str, row_tokens: int) -> None:
        self.row_tokens, self.rows, self._segments = row_tokens, 0, 0
        self._segment_file = (folder / f"{split}-segments.bin").open("wb")
        self._row_file = (folder / f"{split}-rows.bin").open("wb")
        self._row_file.write(np.zeros(1, "<i8").tobytes())

    def add(self, documents: Integers, starts: Integers, lengths: Integers) -> None:
        segments, counts = pack_rows(documents, starts, lengths, self.row_tokens)
        self._segment_file.write(segments.tobytes())
        self._row_file.write((self._segments + np.cumsum(counts)).astype("<i8").tobytes())
        self._segments += len(segments)
        self.rows += len(counts)

    def __enter__(self) -> "_Index":
        return self

    def __exit__(self, *_: object) -> None:
        self._segment_file.close()
        self._row_file.close()

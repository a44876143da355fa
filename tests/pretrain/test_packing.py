"""A packed release says every document again, whole, and names the documents of every row."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation import storage
from curation.errors import InputError
from curation.pretrain import held_out, packing, tokenizer
from curation.pretrain.rows import Packed, Rows
from tests.pretrain.releases import toy_texts, write_release


def rebuild(rows: Rows, packed: Packed) -> dict[str, list[int]]:
    """Each document's tokens, from the batches alone: its segments in their order in the store."""
    pieces: dict[str, list[tuple[int, list[int]]]] = {}
    for row in range(len(rows)):
        batch = rows.batch(np.array([row]))
        names = packed.ids(batch.documents)
        first, last = rows._ends[row], rows._ends[row + 1]
        starts = rows._segments["start"][first:last]
        for number, (name, start) in enumerate(zip(names, starts, strict=True)):
            ids = batch.tokens[batch.segments == number].tolist()
            pieces.setdefault(name, []).append((int(start), ids))
    return {name: [t for _, ids in sorted(found) for t in ids] for name, found in pieces.items()}


@settings(max_examples=20, deadline=None)
@given(
    shards=st.lists(st.lists(st.text(max_size=80), max_size=6), min_size=1, max_size=3).filter(any),
    context=st.integers(8, 24),
)
def test_every_document_comes_back_whole_from_the_rows_that_name_it(
    shards: list[list[str]], context: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("packing")
    counts = packing.pack(write_release(folder / "release", shards), folder / "packed", context)
    packed = Packed(folder / "packed", context)
    found = rebuild(packed.train, packed)
    measured = rebuild(packed.held_out, packed)
    assert not set(found) & set(measured)
    found |= measured
    shipped = tokenizer.load()
    end = shipped.token_to_id(tokenizer.END_OF_TEXT)
    texts = [text for shard in shards for text in shard]
    assert len(found) == counts["documents"] == len(texts)
    for number, text in enumerate(texts):
        assert found[f"document-{number}"] == [*shipped.encode(text).ids, end]
    assert counts["tokens"] == sum(map(len, found.values()))


def test_a_batch_is_its_rows_whatever_lies_beside_them(tmp_path: Path) -> None:
    packing.pack(write_release(tmp_path / "release", [toy_texts(50)]), tmp_path / "packed", 32)
    rows = Packed(tmp_path / "packed", 32).train
    asked = np.array([3, 0, len(rows) - 1, 3])
    batch = rows.batch(asked)
    assert batch.tokens.shape == (4, 33)
    for at, row in enumerate(asked):
        alone = rows.batch(np.array([row]))
        assert (batch.tokens[at] == alone.tokens[0]).all()
        assert (batch.predicted[at] == alone.predicted[0]).all()
        assert batch.documents[batch.segment_rows == row].tolist()[: len(alone.documents)] == rows.documents(
            row
        )


def test_no_token_is_predicted_from_another_document_or_from_padding(tmp_path: Path) -> None:
    packing.pack(write_release(tmp_path / "release", [toy_texts(40)]), tmp_path / "packed", 64)
    rows = Packed(tmp_path / "packed", 64).train
    batch = rows.batch(np.arange(len(rows)))
    tokens_in_segments = (batch.segments >= 0).sum()
    assert batch.predicted.sum() == tokens_in_segments - len(batch.documents)  # all but the first of each


def test_packing_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    source = write_release(tmp_path / "release", [toy_texts(30), [], toy_texts(9)])
    for name in ("a", "b"):
        packing.pack(source, tmp_path / name, 16)
    files = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert len(files) == 7
    for name in files:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_a_held_out_document_and_its_rewriting_are_in_no_training_row(tmp_path: Path) -> None:
    names = [f"document-{n}" for n in range(300)]
    chosen = min(names, key=lambda name: held_out.key(name, []))
    source = write_release(tmp_path / "release", [toy_texts(301)], parents={"document-300": [chosen]})
    packing.pack(source, tmp_path / "packed", 32)
    packed = Packed(tmp_path / "packed", 32)
    trained = {name for row in range(len(packed.train)) for name in packed.ids(packed.train.documents(row))}
    assert not {chosen, "document-300"} & trained
    assert len(trained) > 250


def test_what_a_killed_packing_left_is_packed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write_release(tmp_path / "release", [toy_texts(20)])
    packing.pack(source, tmp_path / "whole", 16)

    def killed(local: Path, uri: str) -> None:
        if local.name == "train-rows.bin":
            raise KeyboardInterrupt
        original(local, uri)

    original = storage.publish
    monkeypatch.setattr(storage, "publish", killed)
    with pytest.raises(KeyboardInterrupt):
        packing.pack(source, tmp_path / "packed", 16)
    monkeypatch.undo()
    assert not (tmp_path / "packed" / "packing.json").exists()
    assert packing.pack(source, tmp_path / "packed", 16) == packing.pack(source, tmp_path / "whole", 16)
    rows = Packed(tmp_path / "packed", 16).train
    assert (
        rows.batch(np.array([0])).tokens == Packed(tmp_path / "whole", 16).train.batch(np.array([0])).tokens
    ).all()


@pytest.mark.parametrize("shards", [[[]], [[], []]])
def test_a_release_without_documents_says_so(tmp_path: Path, shards: list[list[str]]) -> None:
    with pytest.raises(InputError, match="no documents to train on: loosen the recipe's rules"):
        packing.pack(write_release(tmp_path / "release", shards), tmp_path / "packed", 16)


def test_a_folder_that_is_no_release_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no data/train-\*\.parquet"):
        packing.pack(tmp_path, tmp_path / "packed", 16)


def test_a_damaged_shard_is_named(tmp_path: Path) -> None:
    source = write_release(tmp_path / "release", [toy_texts(5)])
    shard = source / "data" / "train-00000-of-00001.parquet"
    shard.write_bytes(shard.read_bytes()[:200])
    with pytest.raises(InputError, match=r"train-00000-of-00001\.parquet cannot be read"):
        packing.pack(source, tmp_path / "packed", 16)


@pytest.mark.parametrize(
    ("columns", "message"),
    [({"id": ["a"], "text": ["b"]}, "no column 'parents'"), ({"id": ["a"], "text": [None]}, "text is null")],
)
def test_a_shard_with_a_column_or_a_text_missing_is_named(
    tmp_path: Path, columns: dict[str, list[str | None]], message: str
) -> None:
    source = write_release(tmp_path / "release", [["x"]])
    table = pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})
    if "column" not in message:
        table = table.append_column("parents", pa.array([[]], pa.list_(pa.string())))
    pq.write_table(table, source / "data" / "train-00000-of-00001.parquet")
    with pytest.raises(InputError, match=message):
        packing.pack(source, tmp_path / "packed", 16)

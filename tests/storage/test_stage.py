"""Stages on both stores: published whole or absent, skipped if published, resumed where they stopped."""

import itertools
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from curation import layout, stage, storage
from curation.errors import LakeError
from curation.manifest import File, Input, Manifest, Part
from tests.storage import publish_forever

SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("url", pa.string()),
        pa.field("parents", pa.list_(pa.string()), nullable=False),
        pa.field("fetched_at", pa.timestamp("us", tz="UTC")),
        pa.field("score", pa.float64()),
    ]
)


def rows(count: int) -> pa.Table:
    """Rows with nulls, empty lists and long strings, in the shapes of documents and annotations."""
    return pa.table(
        [
            pa.array([f"{n:032x}" for n in range(count)]),
            pa.array(
                [None if n % 3 == 0 else f"https://example.org/{n}/" + "x" * (n % 50) for n in range(count)]
            ),
            pa.array([[str(n)] * (n % 3) for n in range(count)], pa.list_(pa.string())),
            pa.array([None if n % 4 == 0 else n * 1_000_003 for n in range(count)], SCHEMA.field(3).type),
            pa.array([None if n % 5 == 0 else n / 7 for n in range(count)]),
        ],
        schema=SCHEMA,
    )


def inputs(*digests: str) -> tuple[Input, ...]:
    return tuple(Input(name=f"{n}.warc.gz", digest=d) for n, d in enumerate(digests))


def made(*digests: str) -> Manifest:
    return Manifest(
        stage="documents", name="web", fingerprint="f" * 16, inputs=inputs(*digests), rows_in=0, kept=0
    )


def write(directory: str, batches: list[pa.RecordBatch], prefix: str = "part") -> File | None:
    with stage.part_writer(directory, SCHEMA, prefix) as writer:
        for batch in batches:
            writer.write(batch)
        return writer.publish()


def cut(table: pa.Table, at: list[int]) -> list[pa.RecordBatch]:
    """The table's rows in batches that end at `at`; a place named twice gives an empty batch."""
    edges = [0, *sorted(min(a, table.num_rows) for a in at), table.num_rows]
    whole = table.combine_chunks().to_batches() or [pa.RecordBatch.from_pylist([], schema=table.schema)]
    return [whole[0].slice(a, b - a) for a, b in itertools.pairwise(edges)]


# Generations


def test_nothing_published_is_none(store: str) -> None:
    assert stage.current(storage.join(store, "documents")) is None


def test_the_same_manifest_again_is_skipped_and_new_inputs_are_the_next_generation(store: str) -> None:
    first = stage.publish(store, made("a"))
    again = stage.publish(store, made("a"))
    late = stage.publish(store, made("a", "b"))
    assert [(p.generation, p.new) for p in (first, again, late)] == [(1, True), (1, False), (2, True)]
    assert storage.names(store) == ["manifest-000001.json", "manifest-000002.json"]
    found = stage.current(store)
    assert found is not None
    assert found.manifest == made("a", "b")
    assert stage.open_manifest(late.uri).manifest == made("a", "b")
    assert stage.open_manifest(first.uri).manifest == made("a")


def test_the_tenth_generation_is_newer_than_the_ninth(store: str) -> None:
    for n in range(11):
        stage.publish(store, made(str(n)))
    found = stage.current(store)
    assert found is not None
    assert (found.generation, found.manifest) == (11, made("10"))


def test_a_late_archive_changes_what_the_next_stage_reads_and_a_rerun_does_not(store: str) -> None:
    first = stage.publish(store, made("a")).input
    assert stage.publish(store, made("a")).input == first
    late = stage.publish(store, made("a", "b")).input
    assert late.name == first.name
    assert late.digest != first.digest


def test_where_a_lake_lies_is_not_part_of_what_it_says(store: str, tmp_path: Path) -> None:
    here, there = stage.publish(store, made("a")), stage.publish(str(tmp_path / "other"), made("a"))
    assert here.input == there.input
    assert storage.read_bytes(here.uri) == storage.read_bytes(there.uri)


def test_runs_that_race_over_the_same_inputs_publish_one_generation(store: str) -> None:
    start = threading.Barrier(4)

    def run() -> stage.Published:
        start.wait()
        return stage.publish(store, made("a"))

    with ThreadPoolExecutor(4) as pool:
        done = [f.result() for f in [pool.submit(run) for _ in range(4)]]
    assert [p.generation for p in done] == [1, 1, 1, 1]
    assert [p.new for p in done].count(True) == 1
    assert storage.names(store) == ["manifest-000001.json"]


def test_runs_that_race_over_different_inputs_lose_none_of_them(store: str) -> None:
    start = threading.Barrier(4)

    def run(name: str) -> stage.Published:
        start.wait()
        return stage.publish(store, made(name))

    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(run, "abcd"))
    assert sorted(p.generation for p in done) == [1, 2, 3, 4]
    for p in done:
        assert stage.open_manifest(p.uri).manifest == p.manifest


def test_a_damaged_manifest_is_named_and_never_passed_over(store: str) -> None:
    stage.publish(store, made("a"))
    storage.write_bytes(layout.manifest(store, 2), made("b").to_json()[:-20])
    with pytest.raises(LakeError, match=r"manifest-000002\.json"):
        stage.current(store)


# Pieces


def test_a_piece_that_was_done_is_read_and_not_computed_again(store: str) -> None:
    computed = []

    def compute() -> Part:
        computed.append(1)
        return Part(inputs=inputs("a"), file=write(store, [rows(3).to_batches()[0]]), rows_in=3)

    first = stage.piece(store, inputs("a"), compute)
    assert stage.piece(store, inputs("a"), compute) == first
    assert stage.read_record(first[0]) == first[1]
    assert len(computed) == 1


def test_a_piece_of_other_inputs_is_computed(store: str) -> None:
    done = {stage.piece(store, inputs(d), lambda d=d: Part(inputs=inputs(d)))[0] for d in ("a", "b")}
    done.add(stage.piece(store, inputs("a", "b"), lambda: Part(inputs=inputs("a", "b")))[0])
    assert len(done) == 3


def test_a_killed_stage_computes_only_the_pieces_that_lack(store: str) -> None:
    computed: list[str] = []

    def run(until: int) -> None:
        for n in range(until):
            asked = inputs(str(n))
            stage.piece(store, asked, lambda n=n, asked=asked: computed.append(str(n)) or Part(inputs=asked))

    run(until=2)  # and then it dies
    run(until=4)
    assert computed == ["0", "1", "2", "3"]


def test_a_piece_that_fails_leaves_no_record(store: str) -> None:
    def fail() -> Part:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        stage.piece(store, inputs("a"), fail)
    assert stage.piece(store, inputs("a"), lambda: Part(inputs=inputs("a")))[1] == Part(inputs=inputs("a"))


def test_a_piece_that_reports_other_inputs_is_refused_and_not_recorded(store: str) -> None:
    with pytest.raises(LakeError, match="reports"):
        stage.piece(store, inputs("a"), lambda: Part(inputs=inputs("b")))
    assert not storage.exists(layout.record(store, stage.key(inputs("a"))))


# Parts


def test_a_part_is_read_back_as_it_was_written(store: str) -> None:
    table = rows(2500)
    file = write(store, cut(table, [1, 1, 700]))
    assert file is not None
    uri = storage.join(store, file.name)
    assert stage.read_table(uri) == table
    assert pa.Table.from_batches(stage.read_batches(uri, ["id"], rows=999)) == table.select(["id"])
    assert (file.rows, file.digest) == (2500, storage.digest(uri))
    assert file.bytes == len(storage.read_bytes(uri))
    assert file.name == f"part-{file.digest}.parquet"
    assert storage.names(store) == [file.name]


def test_a_part_without_rows_is_no_file(store: str) -> None:
    assert write(store, []) is None
    assert write(store, [rows(1).to_batches()[0].slice(0, 0)]) is None
    assert storage.names(store) == []


def test_a_part_that_fails_half_way_leaves_nothing(store: str) -> None:
    def fail() -> None:
        with stage.part_writer(store, SCHEMA) as writer:
            writer.write(rows(stage.ROW_GROUP_ROWS + 1).combine_chunks().to_batches()[0])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert storage.names(store) == []


@given(st.integers(0, 60), st.lists(st.integers(0, 60), max_size=8))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_size_of_batches_does_not_change_the_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int, at: list[int]
) -> None:
    monkeypatch.setattr(stage, "ROW_GROUP_ROWS", 7)
    table = rows(count)
    assert write(str(tmp_path), cut(table, at)) == write(str(tmp_path), cut(table, []))


def test_batch_sizes_do_not_change_the_bytes_at_the_real_size_of_row_groups(tmp_path: Path) -> None:
    table = rows(2 * stage.ROW_GROUP_ROWS + 77)
    files = [
        write(str(tmp_path), cut(table, at))
        for at in ([], [1], list(range(0, table.num_rows, 999)), [stage.ROW_GROUP_ROWS])
    ]
    assert files[0] is not None
    assert all(file == files[0] for file in files)
    with pq.ParquetFile(tmp_path / files[0].name) as file:
        sizes = [file.metadata.row_group(n).num_rows for n in range(file.num_row_groups)]
    assert sizes == [stage.ROW_GROUP_ROWS, stage.ROW_GROUP_ROWS, 77]


# Kills


@contextmanager
def nursery(store: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.storage.publish_forever", store],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    try:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def publish_until(process: subprocess.Popen[str], line: int) -> str:
    assert process.stdin
    assert process.stdout
    process.stdin.write(f"{line}\n")
    process.stdin.flush()
    return process.stdout.readline().strip()


def publish_and_kill(process: subprocess.Popen[str], after: float) -> None:
    assert process.stdin
    assert process.stdout
    process.stdin.write("\n")
    process.stdin.flush()
    child = int(process.stdout.readline())
    time.sleep(after)
    os.kill(child, signal.SIGKILL)


def check_whole(directory: str, checked: set[str]) -> int:
    """Fail if anything that has a name is not whole; the number of generations. `checked` grows."""
    names = storage.names(directory)
    records = [storage.join("records", n) for n in storage.names(storage.join(directory, "records"))]
    generations = [n for n in names if n.startswith("manifest-")]
    assert generations == [f"manifest-{n:06d}.json" for n in range(1, len(generations) + 1)]
    for name in {*names, *records} - checked:
        uri = storage.join(directory, name)
        if name.startswith("part-"):
            assert name == f"part-{storage.digest(uri)}.parquet", "a half-written part"
        elif name.startswith("records/") and not name.startswith("records/."):
            part = stage.read_record(uri)
            assert part.file is not None
            assert part.file.name in names, "a record of a part that is not there"
        elif name.startswith("manifest-"):
            check_generation(stage.open_manifest(uri))
    checked.update(names, records)
    return len(generations)


def check_generation(found: stage.Published) -> None:
    wanted = [publish_forever.rows(found.generation, p) for p in range(publish_forever.PIECES)]
    for file, uri, batch in zip(found.manifest.parts, found.part_uris(), wanted, strict=True):
        assert file.digest == storage.digest(uri)
        assert stage.read_table(uri) == pa.Table.from_batches([batch])


def test_a_kill_between_any_two_lines_of_code_leaves_each_stage_whole_or_absent(tmp_path: Path) -> None:
    directory = publish_forever.folder(str(tmp_path))
    with nursery(str(tmp_path)) as process:
        lines = int(publish_until(process, 1_000_000_000))
        for line in random.Random(7).sample(range(1, lines), 25):
            shutil.rmtree(tmp_path / "documents", ignore_errors=True)
            assert publish_until(process, line) == "killed"
            assert check_whole(directory, set()) in (0, 1)
            published = publish_forever.publish(str(tmp_path), 1)
            assert (published.generation, check_whole(directory, set())) == (1, 1)


def test_a_kill_at_any_instant_leaves_each_stage_whole_or_absent(store: str) -> None:
    directory = publish_forever.folder(store)
    publish_forever.publish(store, 1)
    begun = time.monotonic()
    publish_forever.publish(store, 2)
    longest = 3 * (time.monotonic() - begun)  # some generations, however slow the machine
    instants, interrupted, survived = random.Random(7), 0, 2
    checked: set[str] = set()
    kills = 30 if storage.is_local(store) else 6
    with nursery(store) as process:
        for kill in range(10 * kills):
            if kill >= kills and interrupted and survived > 2:
                break
            publish_and_kill(process, after=instants.uniform(0, longest))
            survived = check_whole(directory, checked)
            records = [n for n in storage.names(storage.join(directory, "records")) if n[0] != "."]
            interrupted += len(records) != survived * publish_forever.PIECES
    assert interrupted, "no kill hit the middle of a stage: nothing was tested"
    assert survived > 2, "nothing was published between two kills: nothing was tested"
    # What was killed is finished by the next run, as if it had never been killed. On S3 the last request of
    # the killed may still land; then there is nothing to finish.
    finished = publish_forever.publish(store, survived + 1)
    assert finished.generation == survived + 1
    assert check_whole(directory, set()) == survived + 1

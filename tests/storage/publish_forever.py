"""Publishes stages until it is killed: `python -m tests.storage.publish_forever STORE`.

Each line on standard input forks a child, so that a kill costs no start of an interpreter; the next line
reaps it first. A child goes on from what it finds in the store, and prints its process id as it begins.
A line with a number asks for one generation by a child that kills itself at that line of code, counted in
what writes files; a child that gets to the end prints how many lines it ran.
"""

import hashlib
import os
import shutil
import signal
import sys
import tempfile
from types import FrameType
from typing import Any

import pyarrow as pa

from curation import manifest, stage, storage
from curation.layout import Layout
from curation.manifest import Input, Part

SCHEMA = pa.schema([("n", pa.int64()), ("text", pa.string())])
WRITERS = {storage.__file__, stage.__file__, shutil.__file__}
PIECES = 3
ROWS = 400


def folder(store: str) -> str:
    return Layout(store).documents("web", "0" * 16, "2025-11-03")


def rows(generation: int, piece: int) -> pa.RecordBatch:
    """Rows of a piece; the text does not compress, so that a part is 200 kB."""
    numbers = [((generation * PIECES + piece) * ROWS + n) for n in range(ROWS)]
    texts = [hashlib.shake_256(str(n).encode()).hexdigest(500) for n in numbers]
    return pa.record_batch([pa.array(numbers, pa.int64()), pa.array(texts)], schema=SCHEMA)


def compute(directory: str, inputs: tuple[Input, ...], generation: int, piece: int) -> Part:
    with stage.part_writer(directory, SCHEMA) as writer:
        writer.write(rows(generation, piece))
        file = writer.publish()
    return Part(inputs=inputs, file=file, rows_in=ROWS + 1, dropped={"too_short": 1})


def publish(store: str, generation: int) -> stage.Published:
    directory = folder(store)
    parts = []
    for piece in range(PIECES):
        inputs = (Input(name=f"{piece}.warc.gz", digest=f"{generation:032x}"),)
        parts.append(
            stage.piece(directory, inputs, lambda i=inputs, p=piece: compute(directory, i, generation, p))[1]
        )
    made = manifest.of_parts(
        parts, stage="documents", name="web", fingerprint="0" * 16, partition="2025-11-03"
    )
    return stage.publish(directory, made)


def forever(store: str, parent: int) -> None:
    found = stage.current(folder(store))
    generation = found.generation if found else 0
    print(os.getpid(), flush=True)
    while os.getppid() == parent:
        generation += 1
        assert publish(store, generation).generation == generation


def until(store: str, line: int) -> None:
    """Publish one generation, and die at the `line`-th line of code that is run in WRITERS."""
    ran = 0

    def trace(frame: FrameType, event: str, _: object) -> Any:
        nonlocal ran
        if frame.f_code.co_filename not in WRITERS:
            return None
        ran += event == "line"
        if ran == line:
            os.kill(os.getpid(), signal.SIGKILL)
        return trace

    found = stage.current(folder(store))
    sys.settrace(trace)
    publish(store, found.generation + 1 if found else 1)
    sys.settrace(None)
    print(ran, flush=True)


def main() -> None:
    store, child, parent = sys.argv[1], 0, os.getpid()
    if not storage.is_local(store):
        import s3fs  # noqa: F401  (it takes seconds, which no child should spend)
    with tempfile.TemporaryDirectory() as warm:
        publish(warm, 1)  # nor should it spend what the first publishing costs
    print("ready", flush=True)
    for asked in sys.stdin:
        if child:
            os.waitpid(child, 0)
        child = os.fork()
        if not child:
            until(store, int(asked)) if asked.strip() else forever(store, parent)
            return
        if asked.strip() and os.waitpid(child, 0)[1]:
            print("killed", flush=True)
        child = 0 if asked.strip() else child


if __name__ == "__main__":
    main()

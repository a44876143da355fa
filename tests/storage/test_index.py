"""The index on S3: a new day reads it in few, large requests."""

import numpy as np
import pyarrow as pa
import pytest

from curation import bands, index, stage, storage
from curation.layout import Layout
from curation.manifest import Input, Manifest
from curation.recipe import Duplicates
from curation.stage import Published
from tests.storage.conftest import Requests

ROWS = 3_000_000  # of keys: three segments' worth of row groups


def keys(lake: Layout, count: int) -> Published:
    """The band rows of a partition that has nothing but keys."""
    drawn = np.sort(np.random.default_rng(0).integers(0, 2**64, count, dtype=np.uint64))
    directory = lake.bands("0" * 16, "web", "all")
    with stage.part_writer(directory, bands.KEYS, "keys", bands.KEY_GROUP_ROWS) as writer:
        rows = pa.array(np.arange(count, dtype=np.uint32))
        writer.write(pa.record_batch([pa.array(drawn), rows], schema=bands.KEYS))
        file = writer.publish()
    assert file
    said = {"stage": "bands", "name": "bands", "fingerprint": "0" * 16, "source": "web", "partition": "all"}
    made = Manifest(
        **said, inputs=(Input(name="x", digest="0" * 32),), parts=(file, file), rows_in=count, kept=count
    )
    return stage.publish(directory, made)


@pytest.mark.parametrize("ranges", [1, 2])
def test_a_new_day_reads_the_index_in_no_more_than_a_request_for_8_mb(
    s3: str, requests: Requests, ranges: int
) -> None:
    lake, settings = Layout(f"{s3}/lake"), Duplicates(key_ranges=ranges)
    made = keys(lake, ROWS)
    segments = index.cover(lake, settings, [made])
    size = sum(file.bytes for file in storage.files(lake.index(bands.name(settings))))
    wanted = np.sort(np.random.default_rng(1).integers(0, 2**64, 10_000, dtype=np.uint64))
    before = len(requests.gets)
    index.sharing(segments, wanted, {made.input.digest: 0})
    gets = len(requests.gets) - before
    assert size > 24e6
    assert gets <= size / 8e6 + 2 * ranges  # and the footers

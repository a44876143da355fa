import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from curation.errors import LakeError
from curation.judge import lake_key
from curation.layout import Layout


def test_a_lake_makes_its_secret_once_for_its_owner_alone(tmp_path):
    lake = Layout(str(tmp_path / "lake"))
    key = lake_key.read(lake)
    assert len(key) == 32
    assert lake_key.read(lake) == key
    assert stat.S_IMODE(Path(lake.key).stat().st_mode) == 0o600
    assert lake_key.read(Layout(str(tmp_path / "other"))) != key


def test_of_many_that_make_it_at_once_one_does(tmp_path):
    lake = Layout(str(tmp_path / "lake"))
    with ThreadPoolExecutor(16) as pool:
        assert len(set(pool.map(lambda _: lake_key.read(lake), range(64)))) == 1


def test_a_lake_in_an_object_store_has_one_too():
    lake = Layout("memory://a-lake-with-a-key")
    assert lake_key.read(lake) == lake_key.read(lake)


@pytest.mark.parametrize("written", [b"", b"ab" * 31, b"x" * 64])
def test_a_file_that_is_no_key_is_refused_and_not_shown(tmp_path, written):
    lake = Layout(str(tmp_path))
    Path(lake.key).write_bytes(written)
    with pytest.raises(LakeError, match="no key of a lake") as error:
        lake_key.read(lake)
    assert not written or written.decode() not in str(error.value)

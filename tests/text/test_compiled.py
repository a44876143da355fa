"""Compiled code is unpickled: it is read from folders alone that nobody else can write to."""

import os
import tempfile
from pathlib import Path

import pytest

from curation.text.compiled import cache_folder


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder under `tmp_path`, made under a careless umask; the next one is asked for anew."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = os.umask(0)
    try:
        return Path(cache_folder.__wrapped__())
    finally:
        os.umask(before)


def again() -> Path:
    return Path(cache_folder.__wrapped__())


def test_a_folder_made_under_any_umask_is_used_again(made: Path, tmp_path: Path) -> None:
    assert made.parent == tmp_path / "home/curation"
    assert again() == made


@pytest.mark.parametrize("which", [".", ".."])
def test_a_folder_that_others_may_write_to_is_not_used(made: Path, which: str, tmp_path: Path) -> None:
    (made / which).chmod(0o770)
    assert again().parent == tmp_path / f"curation-{os.getuid()}"


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_another_user_is_not_used(made: Path, tmp_path: Path) -> None:
    for parent in (made.parent, tmp_path / f"curation-{os.getuid()}"):
        parent.mkdir(exist_ok=True, mode=0o700)
        os.chown(parent, 12345, 12345)
    other = again()
    assert other.parent == tmp_path
    assert other.stat().st_uid == os.getuid()


def test_a_link_is_not_followed(made: Path, tmp_path: Path) -> None:
    made.parent.rename(tmp_path / "elsewhere")
    made.parent.symlink_to(tmp_path / "elsewhere")
    assert again().parent == tmp_path / f"curation-{os.getuid()}"

"""A page that hangs or crashes a parser is named in quarantine, and the pages around it become documents."""

import os
from collections.abc import Iterator

import pytest

from curation.ingest import sandbox
from curation.ingest.outcome import UnreadableError
from curation.recipe import Extract
from tests.ingest import archives

BREAKS = """
import ctypes, sys
from curation.ingest import sandbox
real = sandbox.page
def page(html, settings):
    if "CRASH" in html:
        ctypes.string_at(0)
    if "MEMORY" in html:
        bytearray(sandbox.MEMORY_BYTES)
    if "BUG" in html:
        raise KeyError("bug")
    return real(html, settings)
sandbox.page, sandbox.PAGE_SECONDS = page, 1
sandbox._serve(int(sys.argv[1]))
"""


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A parser that some pages break, of which two seconds of processor time are too much."""
    monkeypatch.setattr(sandbox, "CHILD", BREAKS)
    sandbox._child.cache_clear()
    yield
    sandbox._child(os.getpid()).end()
    sandbox._child.cache_clear()


HANGS = "<p" + "".join(f" a{n}=b" for n in range(300_000)) + ">"
"""lexbor's time grows with the square of a tag's attributes: minutes."""


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (HANGS, "extraction_timed_out"),
        ("CRASH", "extraction_failed"),
        ("MEMORY", "extraction_failed"),
        ("BUG", "extraction_failed"),
    ],
)
@pytest.mark.usefixtures("broken")
def test_a_page_that_breaks_the_parser_is_quarantined_and_those_around_it_are_read(
    said: str, reason: str
) -> None:
    pages = [archives.page(1, "One."), archives.page(2, said), archives.page(3, "Three.")]
    found = archives.ingest(archives.source(), b"".join(pages))
    assert found.texts == ["One.", "Three."]
    assert found.faults == [(len(pages[0]), reason)]


def test_a_page_that_never_ends_nor_computes_is_ended_too(
    broken: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        sandbox, "CHILD", BREAKS.replace("ctypes.string_at(0)", "__import__('time').sleep(99)")
    )
    monkeypatch.setattr(sandbox, "WALL_SECONDS", 0.5)
    with pytest.raises(UnreadableError, match="extraction_timed_out"):
        sandbox.extract(b"<p>CRASH", None, Extract())


def test_a_page_over_which_the_process_died_of_something_else_is_read_by_another() -> None:
    first = sandbox._child(os.getpid())
    first.process.kill()
    first.process.wait()
    assert sandbox.extract(b"<p>Sound.", None, Extract()).page.text == "Sound."
    second = sandbox._child(os.getpid())
    assert second is not first
    assert sandbox.extract(b"<p>And more.", None, Extract()).page.text == "And more."
    assert sandbox._child(os.getpid()) is second  # one process for all pages


def test_the_process_ends_when_nobody_asks_any_more() -> None:
    sandbox.extract(b"<p>Sound.", None, Extract())
    child = sandbox._child(os.getpid())
    sandbox._child.cache_clear()
    child.stream.close()
    child.socket.close()
    assert child.process.wait(100) == 0

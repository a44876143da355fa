"""The tokenizer that ships: any text comes back, bytes are counted, no text can end a document."""

import json
from pathlib import Path

import numpy as np
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from curation.errors import InputError
from curation.pretrain import tokenizer


@given(st.text())
def test_any_text_comes_back_and_its_tokens_count_its_bytes(text: str) -> None:
    shipped = tokenizer.load()
    ids = shipped.encode(text).ids
    assert shipped.decode(ids) == text
    assert tokenizer.token_bytes(shipped)[ids].sum() == len(text.encode())


def test_the_shipped_vocabulary_has_4096_tokens_and_ends_texts() -> None:
    shipped = tokenizer.load()
    assert shipped.get_vocab_size() == tokenizer.VOCABULARY
    end = shipped.token_to_id(tokenizer.END_OF_TEXT)
    assert tokenizer.token_bytes(shipped)[end] == 0
    assert np.count_nonzero(tokenizer.token_bytes(shipped) == 0) == 1


def test_a_document_that_says_end_of_text_does_not_end_there() -> None:
    shipped = tokenizer.load()
    ids = shipped.encode(f"before {tokenizer.END_OF_TEXT} after").ids
    assert shipped.token_to_id(tokenizer.END_OF_TEXT) not in ids


def test_english_takes_less_than_half_as_many_tokens_as_bytes() -> None:
    text = "The government publishes what it learns, so that other teams can build on the same work."
    assert len(tokenizer.load().encode(text).ids) < len(text) / 2


def test_training_from_files_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    lines = "".join(json.dumps({"text": f"the cat number {n} sat on the mat"}) + "\n" for n in range(50))
    source = tmp_path / "cats.jsonl.zst"
    source.write_bytes(zstandard.ZstdCompressor().compress(lines.encode()))
    for name in ("a.json", "b.json"):
        tokenizer.main([str(source), str(tmp_path / name)])
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    assert len(tokenizer.load(tmp_path / "a.json").encode("the cat sat on the mat").ids) < 15


def test_pages_are_read_from_a_warc_without_their_markup(tmp_path: Path) -> None:
    body = b"<html><body><main><p>A paragraph about packing.</p></main></body></html>"
    http = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    head = (
        b"WARC/1.1\r\nWARC-Type: response\r\n"
        b"WARC-Record-ID: <urn:uuid:00000000-0000-0000-0000-000000000001>\r\n"
        b"WARC-Date: 2025-11-03T00:00:00Z\r\nWARC-Target-URI: http://example.com/\r\n"
        b"Content-Type: application/http; msgtype=response\r\nContent-Length: %d\r\n\r\n" % len(http)
    )
    archive = tmp_path / "page.warc"
    archive.write_bytes(head + http + b"\r\n\r\n")
    assert [text.strip() for text in tokenizer.texts(archive)] == ["A paragraph about packing."]


def test_a_file_of_another_kind_is_named_in_the_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"notes\.txt is neither"):
        list(tokenizer.texts(tmp_path / "notes.txt"))

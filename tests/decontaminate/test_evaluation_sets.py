"""Evaluation sets: what of a line is text, what an item is called, and what is refused before a run."""

import gzip
from pathlib import Path

import pytest
import zstandard

from curation.decontaminate import evaluation_sets
from curation.errors import CurationError, InputError, RecipeError

LINE = '{"id": "q7", "question": "Why?", "choices": ["So.", {"text": "No."}], "gold": 1, "hard": true}'


def test_all_strings_of_a_line_are_its_text_but_names_of_fields_and_the_id_are_not(tmp_path: Path) -> None:
    (tmp_path / "quiz.jsonl").write_text(LINE)
    (made,) = evaluation_sets.read(str(tmp_path))
    assert made == ("quiz", ["q7"], ["Why?\nSo.\nNo."])


def test_an_item_is_called_by_its_id_or_by_its_line(tmp_path: Path) -> None:
    lines = ['{"q": "a"}', "", '{"q": "b", "id": 40}', '{"q": "c", "id": null}']
    (tmp_path / "quiz.jsonl").write_bytes(b"\xef\xbb\xbf" + "\r\n".join(lines).encode())
    (made,) = evaluation_sets.read(str(tmp_path))
    assert made.items == ["1", "40", "4"]


def test_sets_are_plain_or_compressed_and_other_files_are_left_alone(tmp_path: Path) -> None:
    line = LINE.encode() + b"\n"
    (tmp_path / "c.jsonl.zst").write_bytes(zstandard.compress(line) * 2)  # two frames
    (tmp_path / "a.jsonl").write_bytes(line)
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress(line))
    (tmp_path / "README.md").write_text("about these sets")
    sets = evaluation_sets.read(str(tmp_path))
    assert [(made.name, len(made.items)) for made in sets] == [("a", 1), ("b", 1), ("c", 2)]
    assert list(evaluation_sets.digests(str(tmp_path))) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("files", "kind", "message"),
    [
        ({}, RecipeError, "holds no *.jsonl"),
        ({"notes.txt": b""}, RecipeError, "name the folder of the evaluation sets"),
        ({"q.jsonl": b'{"a": "b"}\n{"a": '}, RecipeError, "q.jsonl:2: no JSON"),
        ({"q.jsonl": b'{"a": "\xff"}'}, RecipeError, "q.jsonl:1: no JSON"),
        ({"q.jsonl": b'["a"]'}, RecipeError, 'q.jsonl:1: an item of an evaluation set is a JSON object'),
        ({"q.jsonl": b'{"id": "x", "gold": 3}'}, RecipeError, "no line has a string"),
        ({"q.jsonl": b""}, RecipeError, "no line has a string"),
        ({"q.jsonl": b'{"a": "b"}', "q.jsonl.gz": b""}, RecipeError, "'q' twice"),
        ({"q.jsonl.gz": b"plain"}, InputError, "cannot be inflated"),
        ({"q.jsonl.zst": zstandard.compress(b"x" * 99)[:-3]}, CurationError, "q.jsonl.zst"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_named_with_the_remedy(
    tmp_path: Path, files: dict[str, bytes], kind: type[CurationError], message: str
) -> None:
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    with pytest.raises(kind) as caught:
        evaluation_sets.read(str(tmp_path))
    assert message in str(caught.value)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="nowhere does not exist: name the folder"):
        evaluation_sets.digests(str(tmp_path / "nowhere"))

"""A release shows nothing that the recipe redacts or removes, and is unchanged where it does neither."""

import json
import re
from pathlib import Path
from typing import get_args
from unittest.mock import patch

import polars as pl
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from curation import pipeline
from curation.document import text_digest
from curation.errors import RecipeError
from curation.explain import explain
from curation.fingerprint import fingerprint
from curation.pipeline import Job
from curation.recipe import Release
from curation.release import VERSION, Released
from curation.release.edits import edit
from curation.text.pii import KINDS, spans
from tests import sample

TEXTS = {
    "plain": "There is nothing personal in this text at all.",
    "both": "é Write to anna@example.com or call 212-555-0142. 😀",
    "mail": "Only anna@example.com twice: anna@example.com",
    "gone": "x@example.com is in a document that is dropped",
}


NO_LINE_LEFT = {"no_line_left": "c4_line_count = 0"}


def job(
    folder: Path, redact: list[str], pii: bool = True, c4: bool = False, drop: dict[str, str] | None = None
) -> Job:
    (folder / "docs.jsonl").write_text(
        "".join(json.dumps({"id": k, "text": t}) + "\n" for k, t in TEXTS.items())
    )
    gone = {"gone": "text_chars = 46 AND pii_count = 1"} if pii else {}
    said = {
        "name": "small",
        "interval": {"start": "2025-01-01", "end": "2025-01-02"},
        "sources": [{"name": "docs", "format": "jsonl", "path": "docs.jsonl", "columns": {"id": "id"}}],
        "annotate": {"language": False, "rules": bool(drop), "pii": pii},
        "select": {"drop": gone | (drop or {})},
        "release": {"redact": redact, "remove": ["c4"] if c4 else [], "weights": {"docs": 2}},
    }
    (folder / "small.yaml").write_text(yaml.safe_dump(said))
    return pipeline.open_job(folder / "small.yaml", str(folder / "lake"))


def release(made: Job) -> tuple[Released, pl.DataFrame]:
    sample.ingest(made, None)
    released = pipeline.release(made)
    return released, pl.read_parquet(f"{released.uri}/data/*.parquet")


def test_the_kinds_asked_for_are_replaced_in_every_copy_and_counted(tmp_path: Path) -> None:
    released, rows = release(job(tmp_path, ["email", "card"]))
    assert sorted(rows["text"].unique()) == sorted(
        [
            TEXTS["plain"],
            "é Write to <email> or call 212-555-0142. 😀",
            "Only <email> twice: <email>",
        ]
    )
    assert released.manifest.details["redacted"] == {"card": 0, "email": 6}
    assert released.manifest.details["text_bytes"] == sum(len(text.encode()) for text in rows["text"])
    card = (Path(released.uri) / "README.md").read_text()
    assert "| `<email>` | 6 |" in card
    for path in Path(released.uri).rglob("*"):
        assert path.is_dir() or b"anna@example.com" not in path.read_bytes()


def test_the_digest_of_a_redacted_row_cannot_be_used_to_guess_what_is_missing(tmp_path: Path) -> None:
    _, rows = release(job(tmp_path, ["email", "phone"]))
    assert rows["digest"].to_list() == [text_digest(text) for text in rows["text"]]


def test_the_lake_keeps_the_text_and_explain_does_not_show_it(tmp_path: Path) -> None:
    made = job(tmp_path, ["email"])
    _, rows = release(made)
    id_ = rows.filter(pl.col("text").str.contains("call"))["id"][0]
    found = explain(made, id_)
    assert found.annotations["pii_spans"] == {"email": 1, "phone": 1}
    assert found.document["text"] == "é Write to <email> or call <phone>. 😀"
    assert "anna@example.com" not in str(found)
    stored = [pl.read_parquet(uri) for p in pipeline.everything(made) for uri in p.documents.part_uris()]
    assert set(pl.concat(stored)["text"]) == set(TEXTS.values())


def test_a_release_that_redacts_nothing_says_nothing_of_it_and_keeps_its_bytes(tmp_path: Path) -> None:
    made = job(tmp_path, [])
    released, rows = release(made)
    assert set(rows["text"]) == {TEXTS[name] for name in ("plain", "both", "mail")}
    assert "redact" not in (Path(released.uri) / "manifest.json").read_text()
    assert "Redaction" not in (Path(released.uri) / "README.md").read_text()


def test_the_setting_is_no_part_of_a_release_that_does_not_use_it(tmp_path: Path) -> None:
    made = job(tmp_path, [])
    released, _ = release(made)
    settings = {"weights": {"docs": 2.0}, "shard_bytes": 256_000_000, "seed": 0, "title": ""}
    asked = {**settings, "recipe": "small", "about": "", "permission": None}
    assert released.manifest.fingerprint == fingerprint("release", VERSION, asked)


def test_another_order_of_the_kinds_is_the_same_release(tmp_path: Path) -> None:
    one, _ = release(job(tmp_path, ["email", "phone"]))
    other, _ = release(job(tmp_path, ["phone", "email"]))
    assert not other.new
    assert other.uri == one.uri


def test_a_recipe_that_redacts_what_it_does_not_look_for_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"write annotate\.pii: true"):
        job(tmp_path, ["email"], pii=False)


def test_what_c4_takes_out_is_not_released_and_the_card_says_so(tmp_path: Path) -> None:
    lines = {"lines": "Home\nThis is a line of text.[edit]\nRead our privacy policy now.\nMore of it, too."}
    with patch.dict(TEXTS, lines):
        released, rows = release(job(tmp_path, ["email"], c4=True, drop=NO_LINE_LEFT))
    assert "This is a line of text.\nMore of it, too." in set(rows["text"])
    assert TEXTS["plain"] in set(rows["text"])
    assert "Only <email> twice: <email>" not in set(
        rows["text"]
    )  # C4 leaves nothing of a line without an end
    assert released.manifest.details["removed"]["c4"] > 0
    assert released.manifest.details["text_bytes"] == sum(len(text.encode()) for text in rows["text"])
    assert rows["digest"].to_list() == [text_digest(text) for text in rows["text"]]
    assert "C4's rules" in (Path(released.uri) / "README.md").read_text()


def test_a_recipe_that_removes_what_it_does_not_look_for_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"write annotate\.rules: true"):
        job(tmp_path, [], c4=True)


def test_a_recipe_that_would_release_texts_of_which_nothing_is_left_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="no_line_left: c4_line_count = 0"):
        job(tmp_path, [], c4=True, drop={"few_words": "word_count < 3"})


LETTERS = st.lists(st.sampled_from(".pc"), max_size=30)


@given(LETTERS, LETTERS)
def test_no_byte_of_a_span_is_left_however_the_spans_overlap(personal: list[str], removed: list[str]) -> None:
    text = "abcdefghijklmnopqrstuvwxyzABCD"
    of = [[{"start": m.start(), "end": m.end(), "kind": "ip"} for m in re.finditer("p+", "".join(personal))]]
    of.append([{"start": m.start(), "end": m.end()} for m in re.finditer("c+", "".join(removed))])
    edited, counts = edit(text, *of, ("ip",))
    marks = zip(text, "".join(personal).ljust(30, "."), "".join(removed).ljust(30, "."), strict=True)
    assert edited.replace("<ip>", "") == "".join(a for a, p, c in marks if p != "p" and c != "c")
    whole = [
        s for s in of[0] if all("".join(removed).ljust(30)[n] == "c" for n in range(s["start"], s["end"]))
    ]
    assert counts["ip"] == edited.count("<ip>") == len(of[0]) - len(whole)


@pytest.mark.parametrize("text", ["Call 212-555[1]-0142.", "Write to anna[edit]@example.com, or not."])
def test_what_a_removal_joins_into_something_personal_is_replaced_too(text: str) -> None:
    start = text.index("[")
    removed = [{"start": start, "end": text.index("]") + 1}]
    marked = [{"start": s, "end": e, "kind": kind} for s, e, kind in spans(text)]
    edited, counts = edit(text, marked, removed, KINDS)
    assert edited in ("Call <phone>.", "Write to <email>, or not.")
    assert counts["phone"] + counts["email"] == 1


def test_a_recipe_can_name_each_kind_that_is_found_and_no_other(tmp_path: Path) -> None:
    literal = get_args(get_args(Release.model_fields["redact"].annotation)[0])
    assert sorted(literal) == sorted(KINDS)
    with pytest.raises(RecipeError, match="redact"):
        job(tmp_path, ["passport"])


@given(st.lists(st.sampled_from(["a@example.com", "212-555-0142", "é😀 words", "\n"])).map(" ".join))
def test_what_is_not_a_span_of_these_kinds_stays_byte_for_byte(text: str) -> None:
    marked = [{"start": start, "end": end, "kind": kind} for start, end, kind in spans(text)]
    assert edit(text, marked, (), ())[0] == text
    redacted, counts = edit(text, marked, (), ("email",))
    assert redacted == text.replace("a@example.com", "<email>")
    assert counts["email"] == text.count("a@example.com")

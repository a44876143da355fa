"""Overlap with evaluation sets: copies are found however they are written, and little else is."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from curation import decontaminate, facts, pipeline
from curation.errors import InputError, RecipeError
from curation.explain import explain
from curation.recipe import Decontaminate, Recipe
from tests.annotate.batches import batch

QUESTION = (
    "Janet’s ducks lay 16 eggs per day. She eats three for breakfast every morning, and bakes naïve "
    "muffins for her friends in the café with four. How much does she make at the farmers' market?"
)
PASSAGE = (
    "The most modest of these proposals holds that schools and colleges should promote understanding of it"
)
INSTRUCTION = (
    "The following are multiple choice questions with answers about birds so choose one of the four letters"
)
NOTHING: dict[str, Any] = {
    "evaluation_set": None,
    "evaluation_item": None,
    "evaluation_ngrams": 0,
    "evaluation_ratio": 0.0,
    "evaluation_overlaps": [],
}


def write(folder: Path, **sets: Sequence[str]) -> Decontaminate:
    for name, items in sets.items():
        lines = [json.dumps({"question": item, "gold": n}) for n, item in enumerate(items)]
        (folder / f"{name}.jsonl").write_text("\n".join(lines))
    return Decontaminate(path=str(folder))


def rows(settings: Decontaminate, *texts: str) -> list[dict[str, Any]]:
    made = decontaminate.annotator(settings)
    found = made.annotate(batch(*texts))
    assert found.schema == made.columns
    found.validate(full=True)
    return found.to_pylist()


@pytest.mark.parametrize(
    "copy",
    [
        QUESTION,
        QUESTION.upper(),
        QUESTION.replace(" ", "\n"),
        QUESTION.replace("’", "'").replace("ï", "i").replace("é", "e"),
        QUESTION.replace("ï", "i\u0308").replace("é", "e\u0301"),
        QUESTION.replace("fast", "fa\u00adst").replace("fr", "\u200bfr"),
        QUESTION.replace(". ", ".").replace(", ", ","),
        QUESTION.replace("per day", "_per day_").replace("three", "**three**").replace("with", "`with`"),
        "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in QUESTION),
    ],
    ids=["same", "capitals", "lines", "ascii", "combining", "invisible", "unspaced", "markup", "wide"],
)
def test_a_copy_is_found_whole_however_it_is_written(tmp_path: Path, copy: str) -> None:
    settings = write(tmp_path, ducks=["Of other birds: " + PASSAGE, QUESTION])
    (row,) = rows(settings, f"Some page.\n\n{copy}\n\nMore of the page.")
    assert (row["evaluation_set"], row["evaluation_item"]) == ("ducks", "2")
    assert row["evaluation_ratio"] == 1.0


def test_twelve_words_are_no_overlap_and_thirteen_are(tmp_path: Path) -> None:
    settings = write(tmp_path, reading=[PASSAGE])
    words = PASSAGE.split()
    twelve, thirteen = rows(settings, " ".join(words[:12]) + " this.", " ".join(words[:13]) + " this.")
    assert twelve == NOTHING
    assert thirteen["evaluation_ngrams"] == 1
    assert thirteen["evaluation_ratio"] == 1 / (len(words) - 12)


def test_fewer_words_may_be_asked_for(tmp_path: Path) -> None:
    settings = write(tmp_path, reading=[PASSAGE]).model_copy(update={"ngram_words": 8})
    (row,) = rows(settings, " ".join(PASSAGE.split()[2:10]))
    assert row["evaluation_ngrams"] == 1


def test_an_item_of_fewer_words_is_not_looked_for(tmp_path: Path) -> None:
    settings = write(tmp_path, facts=["The country of Novosibirsk is Russia"])
    assert rows(
        settings, "The country of Novosibirsk is Russia, as everyone knows who has been there once."
    ) == [NOTHING]


def test_an_instruction_that_all_items_share_does_not_count_but_their_questions_do(tmp_path: Path) -> None:
    questions = [
        f"{INSTRUCTION}: how many of the {n} grey herons that stood by the old mill had left on day {n}"
        for n in range(40)
    ]
    instruction, copy = rows(write(tmp_path, birds=questions), f"{INSTRUCTION}.", f"See: {questions[7]}?")
    assert instruction == NOTHING
    assert (copy["evaluation_item"], copy["evaluation_ratio"]) == ("8", 1.0)


def test_a_passage_of_several_questions_is_no_boilerplate(tmp_path: Path) -> None:
    items = [f"{PASSAGE}. Question {n} is another one" for n in range(decontaminate.BOILERPLATE_ITEMS)]
    (row,) = rows(write(tmp_path, reading=items), PASSAGE)
    assert len(row["evaluation_overlaps"]) == len(items)
    (row,) = rows(write(tmp_path, reading=[*items, f"{PASSAGE} once more"]), PASSAGE)
    assert row == NOTHING


def test_a_set_that_is_there_in_many_forms_is_no_boilerplate(tmp_path: Path) -> None:
    settings = write(tmp_path, **{f"form{n}": [PASSAGE] for n in range(2 * decontaminate.BOILERPLATE_ITEMS)})
    (row,) = rows(settings, PASSAGE)
    assert row["evaluation_ratio"] == 1.0


def test_the_row_names_the_item_with_most_n_grams_and_lists_the_others(tmp_path: Path) -> None:
    settings = write(
        tmp_path, a=[PASSAGE[:90]], b=[PASSAGE, QUESTION + " " + PASSAGE], c=["Nothing of " + QUESTION]
    )
    none, row = rows(settings, "Of nothing at all.", f"{PASSAGE}. And so on.")
    assert none == NOTHING
    overlaps = row["evaluation_overlaps"]
    assert [(o["set"], o["item"], o["ngrams"]) for o in overlaps] == [
        ("b", "1", 4),
        ("b", "2", 4),
        ("a", "1", 1),
    ]
    assert (row["evaluation_set"], row["evaluation_item"], row["evaluation_ngrams"]) == ("b", "1", 4)
    assert row["evaluation_ratio"] == max(o["ratio"] for o in overlaps) == 1.0
    assert overlaps[1]["ratio"] < 1


def test_rows_are_the_same_in_any_batch(tmp_path: Path) -> None:
    settings = write(tmp_path, a=[PASSAGE], b=[QUESTION])
    annotate = decontaminate.annotator(settings).annotate
    documents = batch("", PASSAGE, "z", f"{QUESTION} {PASSAGE}", QUESTION, "漢字")
    whole = annotate(documents).to_pylist()
    for n in reversed(range(len(whole))):
        assert annotate(documents.slice(n, 1)).to_pylist() == [whole[n]]
    assert annotate(documents.slice(0, 0)).num_rows == 0


def recipe(settings: Decontaminate, lines: Path) -> Recipe:
    return Recipe.model_validate(
        {
            "name": "clean",
            "interval": {"start": "2025-11-03", "end": "2025-11-04"},
            "sources": [{"name": "pages", "format": "jsonl", "path": str(lines), "columns": {"id": "id"}}],
            "annotate": {"language": False, "rules": False, "decontaminate": settings.model_dump()},
            "select": {"drop": {"contaminated": "evaluation_ngrams > 0"}, "duplicates": None},
        }
    )


def mark(settings: Decontaminate) -> str:
    return facts.columns(recipe(settings, Path("x")))[-1].fingerprint


def test_what_is_in_the_sets_is_in_the_fingerprint_and_where_they_lie_is_not(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    first = mark(write(here, a=[PASSAGE]))
    assert mark(write(there, a=[PASSAGE])) == first
    assert mark(Decontaminate(path=str(here), ngram_words=8)) != first
    assert mark(write(here, a=[QUESTION])) != first
    (there / "a.jsonl").rename(there / "b.jsonl")
    assert mark(Decontaminate(path=str(there))) != first


def test_sets_that_change_under_a_run_end_it(tmp_path: Path) -> None:
    made = decontaminate.annotator(write(tmp_path, a=[PASSAGE]))
    write(tmp_path, a=[QUESTION])
    with pytest.raises(InputError, match="changed while"):
        made.annotate(batch(PASSAGE))


def test_a_contaminated_document_is_dropped_and_explained_with_set_and_item(tmp_path: Path) -> None:
    (tmp_path / "sets").mkdir()
    settings = write(tmp_path / "sets", ducks=[PASSAGE, QUESTION])
    pages = [{"id": "clean", "text": "A page of its own."}, {"id": "copy", "text": f"Homework: {QUESTION}"}]
    (tmp_path / "pages.jsonl").write_text("\n".join(map(json.dumps, pages)))
    (tmp_path / "clean.json").write_text(recipe(settings, tmp_path / "pages.jsonl").model_dump_json())
    job = pipeline.open_job(tmp_path / "clean.json", str(tmp_path / "lake"))
    plans = pipeline.plan(job, None)
    for uri in plans:
        pipeline.ingest(job, uri)
        pipeline.annotate(job, uri)
    pipeline.publish(job, plans)
    assert pipeline.select(job).manifest.dropped == {"contaminated": 1}
    (found,) = (e for e in (explain(job, id_) for id_ in ids(job)) if not e.decision["kept"])
    assert found.annotations["evaluation_set"] == "ducks"
    assert found.annotations["evaluation_item"] == "2"
    assert found.verdicts[0].values["evaluation_ngrams"] > 10


def ids(job: pipeline.Job) -> list[str]:
    from curation import stage

    (partition,) = pipeline.everything(job)
    return [id_ for uri, _ in partition.parts() for id_ in stage.read_table(uri, ["id"])["id"].to_pylist()]


def test_a_broken_set_is_refused_before_anything_runs(tmp_path: Path) -> None:
    settings = write(tmp_path, a=[PASSAGE])
    (tmp_path / "b.jsonl").write_text("question: why?")
    with pytest.raises(RecipeError, match=r"b\.jsonl:1: no JSON"):
        facts.check(recipe(settings, tmp_path / "pages.jsonl"))

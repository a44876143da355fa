import json

import pytest

from curation import stage
from curation.claude.outcome import Answer, Outcome
from curation.document import SCHEMA, document_id, text_digest
from curation.errors import ClaudeError, RecipeError
from curation.judge import sample
from curation.judge.prompt import requests
from curation.layout import Layout
from curation.recipe import Synthesize
from curation.synthesize import documents, prompt
from tests.judge.lakes import decisions, document, partition
from tests.judge.ledgers import answered, ok

SETTINGS = Synthesize(permission="ours")
TEXTS = [
    f"Sourdough number {n} is raised by wild yeast, which is slow; bacteria beside it make lactic acid."
    for n in range(20)
]


class Writing:
    """Twenty documents, drawn and asked about; `write` with the answers of a test."""

    def __init__(self, folder, texts=TEXTS):
        self.folder = folder
        self.lake = Layout(str(folder))
        held = partition(self.lake, "all", [[document(text) for text in texts]])
        self.decisions = decisions(self.lake, [held])
        self.sample = sample.draw(self.decisions, [held], 20, seed=0, purpose="synthesize")
        self.requests = requests(prompt.load("passage"), self.sample, SETTINGS.model, b"a key")

    def write(self, answer):
        ledger = answered(self.folder, self.requests, answer)
        return documents.write(self.lake, SETTINGS, self.decisions, self.sample, ledger)

    def rows(self, part):
        directory = documents.place(SETTINGS, self.decisions).documents(self.lake)
        return stage.read_table(f"{directory}/{part.file.name}")


@pytest.fixture
def writing(tmp_path):
    return Writing(tmp_path)


def passage(text):
    return ok(text=f" {text.replace('which is slow', 'slowly')}\n")


def test_a_document_names_its_parent_its_licence_and_who_wrote_it(writing):
    table = writing.rows(writing.write(passage))
    assert table.schema == SCHEMA
    keys = [request.key for request in writing.requests]
    for row, parent, key in zip(table.to_pylist(), writing.sample.to_pylist(), keys, strict=True):
        assert row["parents"] == [parent["id"]]
        assert row["license"] == parent["license"] == "CC0-1.0"
        assert row["id"] == document_id("synthetic", key)
        assert (row["source"], row["url"], row["fetched_at"]) == ("synthetic", None, None)
        assert row["text"] == row["text"].strip()
        assert row["digest"] == text_digest(row["text"])
        assert json.loads(row["metadata"]) == {
            "kind": "passage",
            "model": "offline-rules-1",
            "prompt": "passage",
            "prompt_digest": prompt.load("passage").digest,
            "request": key,
        }


def test_every_document_that_is_not_written_is_counted_under_its_reason(writing):
    def answer(text):
        if text == TEXTS[0]:
            return Answer(Outcome.REFUSED, detail="bio", usage={}, model="offline-rules-1")
        written = {1: "", 2: f"{TEXTS[2]} As an AI, I agree.", 3: f"{TEXTS[3]} 1984."}
        return ok(text=written.get(TEXTS.index(text), text))

    part = writing.write(answer)
    assert part.dropped == {
        "answer_refused": 1, "empty_text": 1, "invented_numbers": 1, "meta_text": 1,
    }  # fmt: skip
    assert (part.rows_in, part.rows) == (20, 16)


def test_two_documents_that_begin_alike_are_written_once(tmp_path):
    head = "Wild yeast raises sourdough slowly. " * 200  # longer than what is asked about
    writing = Writing(tmp_path, [f"{head} {end}" for end in ("one", "two", "three")])
    part = writing.write(passage)
    assert (part.rows_in, part.rows, part.dropped) == (3, 1, {"asked_before": 2})


def test_a_set_in_which_nothing_passes_has_no_part_and_accounts_for_all(writing):
    part = writing.write(lambda _: ok(text=""))
    assert part.file is None
    assert part.dropped == {"empty_text": 20}


def test_too_many_failures_write_nothing_so_that_another_run_can(writing):
    with pytest.raises(ClaudeError, match=r"0 of 20 requests were answered.*20 unasked"):
        writing.write(lambda _: None)
    assert writing.write(passage).rows == 20


def test_what_is_written_stays_whatever_the_ledger_says_later(writing):
    first = writing.write(passage)
    (writing.folder / "ledger.sqlite").unlink()
    assert writing.write(lambda _: None) == first


def test_the_permission_does_not_change_the_text_but_model_and_seed_do(writing):
    def place(**changes):
        return documents.place(SETTINGS.model_copy(update=changes), writing.decisions)

    assert place(permission="other") == place()
    assert place(model="claude-haiku-5-5") != place()
    assert place(seed=1) != place()


def test_a_prompt_must_ask_for_a_text_and_nothing_else(tmp_path):
    good = (prompt.FOLDER / "passage.md").read_text(encoding="utf-8")
    (tmp_path / "passage.md").write_text(good.replace("    text:", "    passage:"), encoding="utf-8")
    with pytest.raises(RecipeError, match="one string, `text`, is needed"):
        prompt.load("passage", tmp_path)
    with pytest.raises(RecipeError, match="did you mean 'passage'"):
        prompt.load("pasage")

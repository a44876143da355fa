import pytest

from curation import stage
from curation.claude.outcome import Answer, Outcome
from curation.errors import ClaudeError
from curation.judge import judgments, prompt, rubric, sample
from curation.layout import Layout
from curation.recipe import Judge
from tests.judge.lakes import decisions, document, partition
from tests.judge.ledgers import answered, judged

SETTINGS = Judge(sample=20)
TEXTS = [f"document number {n}" for n in range(20)]


class Judging:
    """Twenty documents, drawn and asked about; `publish` with the answers of a test."""

    def __init__(self, folder):
        self.folder = folder
        self.lake = Layout(str(folder))
        held = partition(self.lake, "all", [[document(text) for text in TEXTS]])
        self.decisions = decisions(self.lake, [held])
        self.sample = sample.draw(self.decisions, [held], 20, seed=0, purpose="judge")
        self.requests = prompt.requests(rubric.load("educational"), self.sample, SETTINGS.model)

    def publish(self, answer):
        ledger = answered(self.folder, self.requests, answer)
        return judgments.publish(self.lake, SETTINGS, self.decisions, self.sample, ledger)


@pytest.fixture
def judging(tmp_path):
    return Judging(tmp_path)


def rows_of(published):
    return [row for uri in published.part_uris() for row in stage.read_table(uri).to_pylist()]


def test_every_document_of_the_sample_is_a_row_with_what_came_of_it(judging):
    def answer(text):
        if text == TEXTS[3]:
            return Answer(Outcome.REFUSED, detail="bio", usage={}, model="offline-rules-1")
        return judged(score=int(text.split()[-1]) % 6, addresses_model=text == TEXTS[4])

    published = judging.publish(answer)
    rows = {row["id"]: row for row in rows_of(published)}
    assert list(rows) == judging.sample.column("id").to_pylist()
    by_text = {text: rows[document(text)["id"]] for text in TEXTS}
    refused = by_text[TEXTS[3]]
    assert (refused["outcome"], refused["detail"], refused["score"], refused["evidence"]) == (
        "refused", "bio", None, None,
    )  # fmt: skip
    assert by_text[TEXTS[5]]["score"] == 5
    assert [t for t in TEXTS if by_text[t]["addresses_model"]] == [TEXTS[4]]
    assert {row["answered_by"] for row in rows.values()} == {"offline-rules-1"}
    assert {row["rubric_digest"] for row in rows.values()} == {rubric.load("educational").digest}
    assert published.manifest.details["outcomes"] == {"ok": 19, "refused": 1}
    assert (published.manifest.rows_in, published.manifest.kept) == (20, 20)


def test_published_judgments_are_found_and_not_asked_for_again(judging):
    assert judgments.find(judging.lake, SETTINGS, judging.decisions) is None
    first = judging.publish(lambda _: judged(3))
    found = judgments.find(judging.lake, SETTINGS, judging.decisions)
    assert found is not None
    assert found.uri == first.uri
    again = judging.publish(lambda _: None)  # what the ledger says does not count any more
    assert (again.uri, again.new) == (first.uri, False)


def test_a_sample_with_too_many_failures_is_no_sample(judging):
    def answer(text):
        n = int(text.split()[-1])
        if n == 0:
            return Answer(Outcome.REFUSED, detail="cyber")
        if n == 1:
            return Answer(Outcome.ERRORED, detail="overloaded_error")
        return judged(3) if n > 2 else None

    with pytest.raises(ClaudeError) as error:
        judging.publish(answer)
    message = str(error.value)
    assert message.startswith("17 of 20 requests were answered, 85%; 90% are needed")
    for failed in ("1 refused (cyber)", "1 errored (overloaded_error)", "1 unasked"):
        assert failed in message
    assert judgments.find(judging.lake, SETTINGS, judging.decisions) is None


@pytest.mark.parametrize("change", [{"model": "claude-haiku-5-5"}, {"sample": 21}, {"seed": 1}])
def test_what_can_change_an_answer_has_a_place_of_its_own(judging, change):
    other = SETTINGS.model_copy(update=change)
    assert judgments.mark(other) != judgments.mark(SETTINGS)


def test_the_name_of_the_classifiers_column_does_not_ask_again():
    assert judgments.mark(SETTINGS.model_copy(update={"column": "x"})) == judgments.mark(SETTINGS)

import json
import re

import pyarrow as pa
import pytest

from curation.claude.schema import check_schema, conform
from curation.errors import RecipeError
from curation.judge import prompt, rubric
from curation.judge.frame import SAMPLE
from curation.recipe import Judge, Truncate

KEY = b"the key of a lake"
RUBRIC = """\
---
name: mine
task: Judge it.
scale: [0, 1]
max_tokens: 100
truncate: {take: head_tail, chars: 15}
schema:
  type: object
  additionalProperties: false
  required: [evidence, score, addresses_model]
  properties:
    evidence: {type: string}
    score: {type: integer, enum: [0, 1]}
    addresses_model: {type: boolean}
---
How good is it?
"""


def written(folder, text=RUBRIC, name="mine"):
    (folder / f"{name}.md").write_text(text, encoding="utf-8")
    return rubric.load(name, folder)


def test_adding_a_rubric_is_adding_a_file(tmp_path):
    found = written(tmp_path)
    assert found.scale == (0, 1)
    assert found.system.startswith("How good is it?\n")
    assert found.parameters == {"max_tokens": 100, "effort": "low"}


def test_the_rubric_that_ships_shows_examples_and_writes_evidence_before_the_score():
    found = rubric.load("educational")
    request = found.request("text", "claude-haiku-5-5", KEY)
    properties = request.params["output_config"]["format"]["schema"]["properties"]
    assert list(properties) == ["evidence", "score", "addresses_model"]
    assert found.system.count("Answer: {") >= 2


def test_one_call_may_answer_several_properties_of_which_one_is_the_score(tmp_path):
    several = RUBRIC.replace("scale: [0, 1]", "scale: [0, 1]\nscore: worth").replace(
        "    score: {type: integer, enum: [0, 1]}",
        "    worth: {type: integer, enum: [0, 1]}\n"
        "    kind: {type: string, enum: [a, b]}\n"
        "    rude: {type: boolean}",
    )
    found = written(tmp_path, several)
    assert (found.score, found.scale) == ("worth", (0, 1))
    assert list(found.schema["properties"]) == ["evidence", "worth", "kind", "rude", "addresses_model"]


def test_the_rubric_of_properties_asks_for_what_its_text_defines():
    found = rubric.load("properties")
    check_schema(found.schema)
    properties = found.schema["properties"]
    assert found.score == "quality"
    for name in list(properties)[1:-1]:
        assert f"# {name}" in found.system or f"`{name}`" in found.system
    for value in properties["format"]["enum"]:
        assert f"`{value}`" in found.system
    answers = [json.loads(line) for line in re.findall(r"(?m)^Answer: (\{.*\})$", found.system)]
    assert len(answers) >= 3
    for answer in answers:
        assert list(answer) == list(properties)
        assert conform(answer, found.schema) == answer


def test_a_recipe_may_truncate_in_its_own_way_and_that_is_another_question():
    said = rubric.of(Judge())
    own = rubric.of(Judge(truncate=Truncate(take="spans", chars=2000)))
    assert said.settings == rubric.load("educational").settings
    assert own.settings != said.settings
    text = "a" * 3000 + "b" * 3000
    assert own.request(text, "m", KEY).key != said.request(text, "m", KEY).key
    assert own.request("short", "m", KEY).key == said.request("short", "m", KEY).key


def test_an_unknown_rubric_names_the_nearest():
    with pytest.raises(RecipeError, match="did you mean 'educational'"):
        rubric.load("educatonal")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("How good is it?", "How good is it? "),
        ("Judge it.", "Judge it!"),
        ("score: {type: integer, enum: [0, 1]}", "score: {type: integer, enum: [0, 1], description: points}"),
    ],
)
def test_the_digest_changes_with_what_is_sent(tmp_path, old, new):
    (tmp_path / "changed").mkdir()
    before = written(tmp_path).digest
    after = written(tmp_path / "changed", RUBRIC.replace(old, new)).digest
    assert (before == after) == (new.strip() == old)  # white space at the body's end is not sent


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("---\nname", "name", "no front matter"),
        ("name: mine", "name: yours", "calls itself 'yours'"),
        ("max_tokens: 100", "max_tokens: 0", "not that of a prompt"),
        ("task: Judge it.", "task: Judge it.\ntone: kind", "not that of a prompt"),
        ("scale: [0, 1]", "scale: [0, 1, 2]", "must be the same"),
        ("scale: [0, 1]", "scale: [1, 0]", "must ascend"),
        ("evidence: {type: string}", "proof: {type: string}", "in this order"),
        ("score: {type: integer, enum: [0, 1]}", "score: {type: integer}", "must be a boolean, or an enum"),
        ("scale: [0, 1]", "scale: [0, 1]\nscore: worth", "enum of 'worth' must be the same"),
        ("    score: {type: integer, enum: [0, 1]}\n", "", "at least one field between"),
    ],
)
def test_a_file_that_is_no_rubric_is_refused_with_what_is_wrong(tmp_path, old, new, message):
    with pytest.raises(RecipeError, match=message):
        written(tmp_path, RUBRIC.replace(old, new))


def test_the_same_text_under_another_nonce_is_the_same_question(tmp_path):
    found = written(tmp_path)
    one, other = found.request("text", "m", KEY), found.request("text", "m", b"another lake")
    assert one.message != other.message
    assert one.key == other.key
    assert found.request("other text", "m", KEY).key != one.key


def test_a_short_answer_does_not_pay_for_thinking_where_that_can_be_turned_off(tmp_path):
    found = written(tmp_path)
    assert found.request("t", "claude-haiku-5-5", KEY).params["thinking"] == {"type": "disabled"}
    assert (
        "thinking" not in found.request("t", "claude-sonnet-5-5", KEY).params
    )  # it would refuse the request


def test_requests_are_row_for_row(tmp_path):
    rows = [
        {"id": str(n), "digest": str(n), "source": "s", "license": None, "text": f"text {n}"}
        for n in range(3)
    ]
    made = prompt.requests(written(tmp_path), pa.Table.from_pylist(rows, SAMPLE), "m", KEY)
    assert [f'"text {n}"' in request.message for n, request in enumerate(made)] == [True] * 3

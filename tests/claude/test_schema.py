import pytest

from curation.claude.schema import SchemaMismatch, check_schema, conform
from curation.errors import ClaudeError


def an_object(**properties):
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


LEVEL = {"type": "string", "enum": ["Low", "High"]}


def test_an_enum_is_given_back_in_the_schemas_own_letter_case():
    assert conform({"level": "HIGH"}, an_object(level=LEVEL)) == {"level": "High"}


@pytest.mark.parametrize(
    ("value", "schema"),
    [
        ({}, an_object(level=LEVEL)),
        ({"level": "middle"}, an_object(level=LEVEL)),
        ({"level": "Low", "more": 1}, an_object(level=LEVEL)),
        ({"n": True}, an_object(n={"type": "integer"})),
        ({"n": 1.5}, an_object(n={"type": "integer"})),
        ({"n": True}, an_object(n={"enum": [0, 1]})),
        ({"b": 1}, an_object(b={"type": "boolean"})),
        ({"l": ["x", 2]}, an_object(l={"type": "array", "items": {"type": "string"}})),
        ({"a": []}, an_object(a={"anyOf": [{"type": "string"}, {"type": "null"}]})),
        ([], an_object()),
    ],
)
def test_an_answer_outside_its_schema_is_not_taken(value, schema):
    check_schema(schema)
    with pytest.raises(SchemaMismatch):
        conform(value, schema)


def test_definitions_and_alternatives_are_followed():
    schema = an_object(a={"anyOf": [{"$ref": "#/$defs/level"}, {"type": "null"}]}) | {
        "$defs": {"level": LEVEL}
    }
    check_schema(schema)
    assert conform({"a": None}, schema) == {"a": None}
    assert conform({"a": "low"}, schema) == {"a": "Low"}


@pytest.mark.parametrize(
    ("schema", "complaint"),
    [
        ({"type": "integer", "minimum": 0}, "minimum"),
        ({"type": "string", "maxLength": 9}, "maxLength"),
        ({**an_object(a=LEVEL), "additionalProperties": True}, "additionalProperties"),
        ({**an_object(a=LEVEL), "required": []}, "'a'"),
        (an_object(a={"type": "text"}), "schema.a"),
        (an_object(a={"type": "array"}), "items"),
        (an_object(a={"description": "anything"}), "says nothing"),
    ],
)
def test_a_schema_that_structured_output_refuses_is_refused_here_and_says_where(schema, complaint):
    with pytest.raises(ClaudeError, match=complaint.replace("$", r"\$")):
        check_schema(schema)

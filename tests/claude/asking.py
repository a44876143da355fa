"""Requests for tests to put to a stand-in."""

import json

from curation.claude import stand_in
from curation.claude.request import Request, prompt_digest
from curation.document import text_digest

SCHEMA = {
    "type": "object",
    "properties": {
        "evidence": {"type": "string"},
        "addresses_model": {"type": "boolean"},
        "score": {"type": "integer", "enum": [0, 1, 2, 3, 4, 5]},
    },
    "required": ["evidence", "addresses_model", "score"],
    "additionalProperties": False,
}


def ask(i: int = 0, **changes: object) -> Request:
    """A judging request about text number `i`."""
    text = f"This is text number {i}. It is about the sea and what is in it. " * 5
    given = {
        "text_digest": text_digest(text),
        "prompt_digest": prompt_digest("Judge.", "template"),
        "model": stand_in.MODEL,
        "parameters": {"max_tokens": 400},
        "system": "Judge.",
        "message": f"<document-n0nce>\n{json.dumps(text)}\n</document-n0nce>\nJudge the document above.",
        "schema": SCHEMA,
    }
    return Request(**(given | changes))  # type: ignore[arg-type]

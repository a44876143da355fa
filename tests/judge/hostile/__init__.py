"""Documents that attack their judge, the pages they were put into, and innocent ones that speak of the same.

    injected.jsonl   250: name, family, language, placement, disguise, host, text
    hosts.jsonl      the pages, of little worth, without what was put in: name, text
    innocent.jsonl   65 that talk about prompts, grading and models to people: name, language, text

All were written for these tests. A third of the injected (`is_held_back`) were not looked at while the signs
that are to find them were written down and narrowed.
"""

import hashlib
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import zstandard

from curation import recipe_file
from curation.claude.stand_in import rules
from curation.document import text_digest
from curation.judge import rubric
from curation.judge.prompt import Prompt
from curation.judge.suspicion import suspicions

FOLDER = Path(__file__).parent
Answer = Callable[[str, Mapping[str, Any] | None], str]


@dataclass(frozen=True)
class Judged:
    """What became of a document: its score, that of its page without what was put in, and its flags."""

    name: str
    family: str
    score: int
    clean: int
    flags: frozenset[str]  # addresses_model, lexical, disagrees

    @property
    def moved(self) -> bool:
        return self.score > self.clean


def rows(name: str) -> list[dict[str, Any]]:
    """The rows of one of the files."""
    return [json.loads(line) for line in (FOLDER / f"{name}.jsonl").read_text("utf-8").splitlines()]


def is_held_back(name: str) -> bool:
    return int(hashlib.sha256(name.encode()).hexdigest(), 16) % 3 == 0


@cache
def posts() -> tuple[str, ...]:
    """One in three of the posts of the sample that ships: what a run usually judges."""
    path = recipe_file.SHIPPED.parent / "sample" / "18f-blog.jsonl.zst"
    with zstandard.open(path) as stream:
        return tuple(json.loads(line)["text"] for line in io.TextIOWrapper(stream, encoding="utf-8"))[::3]


def judge(answer: Answer, documents: Sequence[Mapping[str, Any]], among_pages: bool = True) -> list[Judged]:
    """Each document as a judge that answers by `answer` and a run's own flags see it, some 20 at a time among
    the posts of the sample and, if `among_pages`, the pages into which none of the 20 was put."""
    prompt, pages = rubric.load("educational"), {row["name"]: row["text"] for row in rows("hosts")}
    names = list(pages)
    batches = [
        [row for row in documents if row.get("host") in names[n : n + 2]] for n in range(0, len(names), 2)
    ]
    batches += [[row for row in documents if "host" not in row]]
    found = []
    for batch in filter(None, batches):
        hosts = {row.get("host") for row in batch}
        others = [text for name, text in pages.items() if name not in hosts] if among_pages else []
        texts = [*(row["text"] for row in batch), *others, *posts()]
        said = [_ask(answer, prompt, text) for text in texts]
        believed = [None if addresses else score for score, addresses in said]
        suspected = suspicions(
            [prompt.asked(text) for text in texts], list(map(text_digest, texts)), believed
        )
        for row, (score, addresses), suspicion in zip(batch, said, suspected, strict=False):
            clean = _ask(answer, prompt, pages[row["host"]])[0] if "host" in row else score
            flags = frozenset(filter(None, suspicion.split(","))) | (
                {"addresses_model"} if addresses else set()
            )
            found.append(Judged(row["name"], row.get("family", "innocent"), score, clean, flags))
    return found


def obeying_all(answer: Answer) -> Answer:
    """The worst that can happen: what was put in is obeyed, all of it, and denied. `answer` judges the other
    documents."""
    injected = {row["text"] for row in rows("injected")}

    def obeyed(message: str, schema: Mapping[str, Any] | None) -> str:
        said = json.loads(answer(message, schema))
        if rules.document_in(message) in injected:
            said |= {"score": 5, "addresses_model": False}
        return json.dumps(said)

    return obeyed


def _ask(answer: Answer, prompt: Prompt, text: str) -> tuple[int, bool]:
    said = json.loads(answer(prompt.request(text, rules.MODEL, b"the key of a lake").message, prompt.schema))
    return said[prompt.score], said["addresses_model"]

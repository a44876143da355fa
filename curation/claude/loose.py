"""JSON out of an answer whose server does not hold the model to a schema. Pure."""

import json
import math
import re
from collections.abc import Iterator
from typing import Any

_FENCED = re.compile(r"\A\s*```[\w-]*\s*\n(.*?)\n?\s*```\s*\Z", re.DOTALL)


def only_object(text: str) -> Any:
    """The JSON value that `text` is; or that stands in its code fence; or the one JSON object in its prose.

    Where several objects differ, which of them is the answer is not guessed: a document can put one into the
    mouth of the model that quotes it. Nothing is mended. Raises json.JSONDecodeError; for what nests too
    deep, has a number too long to read, or one that JSON does not know (NaN), too.
    """
    fenced = _FENCED.match(text)
    try:
        return _read(fenced[1] if fenced else text)
    except json.JSONDecodeError:
        found = list(_objects(text))
        if not found or any(other != found[0] for other in found):
            raise
        return found[0]


def _read(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_no_constant, parse_float=_finite)
    except json.JSONDecodeError:
        raise
    except (ValueError, RecursionError) as error:
        raise json.JSONDecodeError(type(error).__name__, text, 0) from error


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON")


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError(f"{digits[:20]} is too large")
    return value


_DECODER = json.JSONDecoder(parse_constant=_no_constant, parse_float=_finite)


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """The JSON objects in a text, outermost only."""
    at = text.find("{")
    while at >= 0:
        try:
            value, end = _DECODER.raw_decode(text, at)
        except RecursionError:  # behind each of its brackets it would be read as deep again
            return
        except ValueError:
            end = at + 1
        else:
            yield value
        at = text.find("{", end)

"""The results of a message batch: fetched whole into a folder, then read from there into the ledger."""

import json
import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import anthropic
import httpx2

from curation import storage
from curation.claude.client import described, whole
from curation.claude.ledger import Ledger
from curation.claude.outcome import OTHER_MODEL, Answer, Outcome, read_result
from curation.claude.prices import cost
from curation.claude.request import answers_for, key_of
from curation.claude.rows import Held, MessageBatch
from curation.errors import ClaudeError

log = logging.getLogger(__name__)

_LINES = 1_000  # of results, read at a time


class NotWhole(ClaudeError):  # noqa: N818 - a state of the service, which may pass
    """Results that could not be had whole this time: nothing is written, and they may be fetched again."""


class _Impostor(Exception):  # noqa: N818 - becomes a ClaudeError outside of the ledger's transaction
    """Another model answered; says which."""


def land(client: anthropic.Anthropic, ledger: Ledger, raw: str, nonce: str) -> MessageBatch:
    """Write one answer for each request of an ended batch into the ledger; the batch's row afterwards.

    `raw` is a folder (a path or s3://): the result lines are kept there as NONCE.jsonl, and a second call
    reads them rather than the service. An answer by another model is not kept; its row says so. Raises
    NotWhole where the results cannot be had whole now (nothing is written, the batch stays `ended`), and
    ClaudeError where all answers are another model's (the batch is given up).
    """
    batch = ledger.batch(nonce)
    if batch.state != "ended":
        return batch
    uri = storage.join(raw, f"{nonce}.jsonl")
    if not storage.exists(uri):
        _fetch_whole(client, batch, ledger.keys(nonce), uri)
    try:
        with storage.open_input(uri) as lines:
            ledger.land(nonce, _landed(ledger, batch, lines))
    except _Impostor as other:
        reason = f"asked for {batch.model}, answered by {other}"
        ledger.failed(nonce, reason)
        raise ClaudeError(
            f"message batch {batch.batch_id}: {reason}; its answers are not kept. Name the model that serves "
            "at this base URL, or set the base URL of the one you want"
        ) from None
    after = ledger.batch(nonce)
    log.info("message batch %s: landed, %s", batch.batch_id, dict(after.counts))
    return after


def _landed(ledger: Ledger, batch: MessageBatch, lines: BinaryIO) -> Iterator[tuple[Held, Answer, Decimal]]:
    """The answers in result lines, read some at a time; lines that are not the batch's are skipped."""
    schemas = ledger.schemas(batch.nonce)
    results = _results(lines, batch.nonce)
    others, ours = Counter[str](), 0
    while some := list(islice(results, _LINES)):
        held = ledger.held(batch.nonce, {key for key, _ in some})
        for key, result in some:
            if key in held:
                answer = read_result(result, schemas[held[key].settings])
                if answer.model is not None:
                    if answers_for(batch.model, answer.model):
                        ours += 1
                    else:
                        others[answer.model] += 1
                        answer = replace(answer, outcome=Outcome.ERRORED, detail=OTHER_MODEL, body=None)
                usd = cost(batch.model, answer.usage) if answer.usage else Decimal(0)
                yield held[key], answer, usd
    if others and not ours:
        raise _Impostor(next(iter(others)))
    if others:
        log.warning("message batch %s: answers of other models, not kept: %s", batch.batch_id, dict(others))


def first_custom_id(client: anthropic.Anthropic, batch_id: str) -> str:
    """The custom id in the first result line of an ended batch. Raises APIError where it cannot be read now:
    that says nothing about whose it is."""
    once = client.with_options(max_retries=0).messages.batches
    try:
        results = whole(lambda: once.results(batch_id), "http_response", client)
        try:
            return next(line.custom_id for line in results)
        finally:
            results.close()
    except anthropic.APIError:
        raise
    # Torn, or without a line; or without a `results_url`, by a replica that lags behind the listing.
    except (httpx2.TransportError, ValueError, StopIteration, anthropic.AnthropicError) as error:
        what = str(error) or "the results have no line"
        raise anthropic.APIError(what, httpx2.Request("GET", client.base_url), body=None) from error


def _fetch_whole(client: anthropic.Anthropic, batch: MessageBatch, keys: set[str], uri: str) -> None:
    """Put the results at `uri` if there is a line for each key. Once: whoever waits, does so elsewhere."""
    with storage.scratch(uri.rsplit("/", 1)[0]) as folder:
        try:
            lines = _fetch(client, batch.batch_id or "", folder / "results")
            with lines.open("rb") as file:
                missing = keys.difference(key for key, _ in _results(file, batch.nonce))
        except (anthropic.AnthropicError, httpx2.TransportError) as error:
            trouble = described(error, client)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            trouble = f"a line that is no result ({type(error).__name__})"
        else:
            if not missing:
                storage.publish(lines, uri)
                return
            trouble = f"{len(missing):,} of {len(keys):,} requests have no line"
    raise NotWhole(
        f"the results of message batch {batch.batch_id} could not be fetched whole: {trouble}; run again, "
        "they are kept for 29 days"
    )


def _fetch(client: anthropic.Anthropic, batch_id: str, path: Path) -> Path:
    # With retries the SDK would wait here, for an hour if it is told to.
    once = client.with_options(max_retries=0).messages.batches
    with once.with_streaming_response.results(batch_id) as response, path.open("wb") as out:
        for block in response.iter_bytes():
            out.write(block)
    return path


def _results(lines: BinaryIO, nonce: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for line in lines:
        if line.strip():
            row = json.loads(line)
            key = key_of(row["custom_id"], nonce)
            if key is not None:
                yield key, row["result"]

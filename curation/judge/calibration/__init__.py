"""The judge held to gold labels, to itself and to the same documents in other dress; with a report.

Asked are: every document of the gold; a share of them once more, as another replicate; and a few of them as
`probes` dress them. The answers are the ledger's, as for judgments, so that nothing is paid for twice. A
recipe's calibrations are generations of one folder: each is compared with the last and with the best of
those that stand and have answered about the same documents. So a change of model or prompt for the worse is
seen, and so are many small ones.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa

from curation import stage, storage
from curation.claude.request import Request
from curation.document import content_hash
from curation.errors import RecipeError
from curation.fingerprint import fingerprint
from curation.judge import answers, lake_key, prompt, rubric
from curation.judge.calibration import figures as calibration_figures
from curation.judge.calibration import gold, probes
from curation.judge.calibration import report as calibration_report
from curation.judge.calibration.figures import AGAIN, GOLD, Row
from curation.judge.calibration.gold import Gold
from curation.judge.prompt import Prompt
from curation.layout import Layout
from curation.manifest import File, Manifest
from curation.recipe import Gold as Settings
from curation.recipe import Judge
from curation.stage import Published

if TYPE_CHECKING:
    from curation.claude.ledger import Ledger

VERSION = 2

ROWS = pa.schema(
    [
        *(gold.GOLD.field(name) for name in ("id", "digest", "source", "group", "label", "level")),
        pa.field("rubric_digest", pa.string(), nullable=False),
        pa.field("asked", pa.string(), nullable=False),  # gold, again, or the name of a probe
        pa.field("key", pa.string(), nullable=False),  # of the answer in the ledger
        pa.field("outcome", pa.string(), nullable=False),
        pa.field("detail", pa.string(), nullable=False),
        pa.field("answered_by", pa.string()),  # as the response named itself
        pa.field("score", pa.int32()),  # of the rubric's scale; null, with what follows, unless ok
        pa.field("addresses_model", pa.bool_()),
    ]
)


class Asked(NamedTuple):
    """A request about a document of the gold: which, by its row, and as what it is asked about."""

    row: int
    asked: str
    request: Request


def load(settings: Judge) -> Gold:
    """The recipe's gold labels, on the scale of its rubric. Raises RecipeError where it names none."""
    return gold.read(_named(settings), rubric.of(settings).scale)


def mark(settings: Judge) -> str:
    """The fingerprint of a calibration: what can change an answer, and what is asked about."""
    named = _named(settings)
    how = {"again": named.again, "probed": named.probed, "probes": probes.VERSION}
    judge = {**rubric.of(settings).settings, "model": settings.model, "seed": settings.seed}
    return fingerprint("calibrations", VERSION, {**judge, **how})


def requests(key: bytes, settings: Judge, labelled: Gold) -> list[Request]:
    """What is to be asked of the judge, enclosed by the lake's `key`; two may be the same question."""
    return [each.request for each in _asked(key, settings, labelled)]


def find(lake: Layout, recipe: str, settings: Judge, labelled: Gold) -> Published | None:
    """The calibration if it is published: then nothing need be asked."""
    wanted = (mark(settings), labelled.input)
    published = stage.generations(lake.calibrations(recipe))
    return next((p for p in published if (p.manifest.fingerprint, p.manifest.inputs[0]) == wanted), None)


def of_judge(lake: Layout, recipe: str, settings: Judge) -> list[Published]:
    """All calibrations of this prompt and model, the newest first, whatever labels they were held to and how
    much was asked twice or in other dress. A prompt that cuts long documents otherwise is another one."""
    judge = {"prompt": rubric.of(settings).settings, "model": settings.model}
    published = stage.generations(lake.calibrations(recipe))
    return [p for p in published if judge.items() <= p.manifest.details.items()]


def publish(
    lake: Layout,
    recipe: str,
    settings: Judge,
    labelled: Gold,
    ledger: "Ledger",
    standing: Callable[[Iterable[Published]], Iterable[Published]],
) -> Published:
    """Publish a row for each request and the report; skipped if they are published. Of the earlier ones, the
    newest first, it is compared with those `standing`. Raises ClaudeError where too few were answered."""
    found = find(lake, recipe, settings, labelled)
    if found:
        return found
    rows = _rows(lake, settings, labelled, ledger)
    scale, directory = rubric.of(settings).scale, lake.calibrations(recipe)
    drift = _drift([*standing(stage.generations(directory))], rows, scale, settings.seed)
    told = {**_told(recipe, settings, labelled, rows), "drift": [change for _, change in drift]}
    made = Manifest(
        stage="calibrations",
        name=recipe,
        fingerprint=mark(settings),
        inputs=(labelled.input, *(earlier.input for earlier, _ in drift)),
        parts=_write(directory, "part", pa.Table.from_pylist(rows, ROWS)),
        quarantine=_write(directory, "quarantine", labelled.quarantine),
        rows_in=labelled.rows,
        kept=labelled.documents.num_rows,
        dropped=labelled.dropped,
        details=_headline(told) | {"report": _write_report(directory, told, rows)},
    )
    return stage.publish(directory, made)


def read_report(published: Published) -> dict[str, Any]:
    """The figures of a calibration."""
    found: dict[str, Any] = json.loads(storage.read_bytes(report_uri(published, "json")))
    return found


def report_uri(published: Published, kind: str) -> str:
    """Where the report lies as `json`, as Markdown (`md`), or one of its pictures (`confusion`, `scores`)."""
    return storage.join(published.directory, published.manifest.details["report"][kind])


def _named(settings: Judge) -> Settings:
    if settings.gold is None:
        raise RecipeError("the recipe has no judge.gold: name a file of documents with labels, or use --gold")
    return settings.gold


def _asked(key: bytes, settings: Judge, labelled: Gold) -> list[Asked]:
    rubric_, texts = rubric.of(settings), labelled.documents.column("text").to_pylist()
    first = list(prompt.requests(rubric_, labelled.documents, settings.model, key))
    found = [Asked(row, GOLD, request) for row, request in enumerate(first)]
    order = _order(labelled, settings.seed)
    for row in order[: round(labelled.settings.again * len(order))]:
        found.append(Asked(row, AGAIN, replace(first[row], replicate=1)))
    for name, edit in probes.EDITS.items():
        dressed = _dressed(rubric_, texts, order, edit, labelled.settings.probed)
        found += [Asked(row, name, rubric_.request(t, settings.model, key)) for row, t in dressed.items()]
    return found


def _dressed(
    asked: Prompt, texts: Sequence[str], order: Sequence[int], edit: Callable[[str], str], most: int
) -> dict[int, str]:
    """The first `most` texts that `edit` changes and that the judge reads whole before and after, edited, by
    their rows. Of a longer one the cut would take content out where the dress comes in."""
    found: dict[int, str] = {}
    for row in order:
        if len(found) == most:
            break
        text = texts[row]
        edited = edit(text) if len(text) <= asked.truncate.chars else text
        if edited != text and len(edited) <= asked.truncate.chars:
            found[row] = edited
    return found


def _order(labelled: Gold, seed: int) -> list[int]:
    """The rows by a hash of seed and digest: what is taken from the start is a sample, and a larger one holds
    the smaller one."""
    digests = labelled.documents.column("digest").to_pylist()
    keyed = {digest: content_hash("calibration", str(seed), digest) for digest in digests}
    return sorted(range(len(digests)), key=lambda row: keyed[digests[row]])


def _rows(lake: Layout, settings: Judge, labelled: Gold, ledger: "Ledger") -> list[dict[str, Any]]:
    """A row of ROWS for each request, in their order."""
    asked, rubric_ = _asked(lake_key.read(lake), settings, labelled), rubric.of(settings)
    replies = answers.replies(ledger, [each.request for each in asked])
    documents, by = labelled.documents.drop_columns(["text"]).to_pylist(), {"rubric_digest": rubric_.digest}
    return [
        {**documents[each.row], **by, "asked": each.asked, **_row(reply, rubric_.score)}
        for each, reply in zip(asked, replies, strict=True)
    ]


def _row(reply: answers.Reply, scored: str) -> dict[str, Any]:
    row = {name: getattr(reply, name) for name in ("key", "outcome", "detail", "answered_by")}
    return {**row, "score": reply.body.get(scored), rubric.LAST: reply.body.get(rubric.LAST)}


def _told(recipe: str, settings: Judge, labelled: Gold, rows: Sequence[Row]) -> dict[str, Any]:
    """What the report tells of this calibration alone."""
    rubric_ = rubric.of(settings)
    texts = dict(zip(*(labelled.documents.column(name).to_pylist() for name in ("id", "text")), strict=True))
    return {
        "recipe": recipe,
        "rubric": rubric_.name,
        "prompt": rubric_.settings,
        "model": settings.model,
        "answered_by": sorted({row["answered_by"] for row in rows if row["answered_by"]}),
        "gold": {"name": labelled.name, "mapping": labelled.mapping, "dropped": labelled.dropped},
        **calibration_figures.measure(rows, texts, rubric_.scale, settings.seed),
    }


def _drift(
    before: Sequence[Published], rows: Sequence[Row], scale: Sequence[int], seed: int
) -> list[tuple[Published, dict[str, Any]]]:
    """The last of `before` that has answered about the same documents, and the best by its own kappa where it
    is another, each with what changed since."""
    found: list[tuple[Published, dict[str, Any]]] = []
    for which, ordered in (("last", before), ("best", sorted(before, key=_kappa, reverse=True))):
        for earlier in ordered:
            if any(earlier is known for known, _ in found):
                break
            told = [row for uri in earlier.part_uris() for row in stage.read_table(uri).to_pylist()]
            if change := calibration_figures.drift(told, rows, scale, seed):
                said = earlier.manifest.details
                named = {"which": which, "model_before": said["model"], "prompt_before": said["prompt"]}
                found.append((earlier, {**named, **change}))
                break
    return found


def _kappa(published: Published) -> float:
    told: float | None = published.manifest.details["overall"]["kappa"]["value"]
    return -1.0 if told is None else told


def _headline(told: dict[str, Any]) -> dict[str, Any]:
    """What the manifest says itself: who was calibrated, on what, the overall figures, and the change."""
    names = (
        "rubric",
        "prompt",
        "model",
        "gold",
        "answered",
        "outcomes",
        "errors",
        "threshold",
        "drift",
    )
    return {**{name: told[name] for name in names}, "overall": told["overall"]["judge"]}


def _write(directory: str, prefix: str, table: pa.Table) -> tuple[File, ...]:
    with stage.part_writer(directory, table.schema, prefix) as writer:
        for batch in table.to_batches():
            writer.write(batch)
        file = writer.publish()
    return (file,) if file else ()


def _write_report(directory: str, told: dict[str, Any], rows: Sequence[Row]) -> dict[str, str]:
    """Write the report's files, each named by its digest; their names."""
    names: dict[str, str] = {}

    def write(kind: str, end: str, data: bytes) -> None:
        names[kind] = f"{kind if end == 'png' else 'report'}-{content_hash('report', data)}.{end}"
        storage.write_bytes(storage.join(directory, names[kind]), data)

    write("json", "json", json.dumps(told, indent=1, ensure_ascii=False).encode())
    write("confusion", "png", calibration_report.confusion_png(told))
    write("scores", "png", calibration_report.scores_png(told, rows))
    write("md", "md", calibration_report.markdown(told, names["confusion"], names["scores"]).encode())
    return names

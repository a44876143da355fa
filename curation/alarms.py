"""Alarms: what is out of the ordinary in a set of decisions, or in a calibration, with the evidence.

    source_loss   most of what a source has goes as duplicates: of another source, or of itself
    stands_for    one document stays for a great many: a template, an error page, or a rule that is too loose
    volume        a day of a source is many times its median day, or a small part of it

and two of a calibration, which compares the judge with what it was on the same gold labels:

    kappa_loss    it agrees less than before
    mae_loss      it errs by more than before

Counts by source and day are in the manifest. Only where more documents go as duplicates than one may stand
for is a column of the decisions read, part by part, with no more counters than there can be alarms.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

from curation import stage
from curation.document import content_hash
from curation.errors import AlarmError
from curation.manifest import Manifest
from curation.recipe import Alarms
from curation.select import REASONS
from curation.stage import Published

What = Literal["source_loss", "stands_for", "volume", "kappa_loss", "mae_loss"]

FEW_DAYS = 3  # with fewer there is no ordinary day
FEW_DOCUMENTS = 100
"""A day is compared if it, or the median, has so many: small days jump by themselves, from 2 to 30."""

NAMED = 3  # documents that the evidence names
SHOWN = 20  # alarms that an error lists
_BATCH_ROWS = 100_000


@dataclass(frozen=True)
class Alarm:
    """Something out of the ordinary."""

    what: What  # as its limit is called in a recipe
    where: str  # a source; the id of the document that stays; source/partition; the gold's name
    value: float
    limit: float
    evidence: str
    documents: tuple[str, ...] = ()  # some of them, for `curation explain`

    @property
    def name(self) -> str:
        """What it is known by among the alarms of the same decisions, whatever the limit is."""
        return content_hash("alarm", self.what, self.where)


@dataclass
class _Counts:
    """The documents of a partition, or of several."""

    documents: int = 0
    passed: int = 0  # every rule
    gone: int = 0  # of these, as duplicates


def raised(settings: Alarms, decisions: Published) -> tuple[Alarm, ...]:
    """The alarms that `decisions`, or a calibration, raise, approved or not."""
    if decisions.manifest.stage == "calibrations":
        return tuple(_losses(settings, decisions.manifest.details))
    days = _days(decisions.manifest)
    return (
        *_source_losses(settings.source_loss, days, decisions),
        *_stands_for(settings.stands_for, decisions),
        *_volumes(settings.volume, days),
    )


def error(alarms: Collection[Alarm], decisions: Published) -> AlarmError:
    """What is said when `alarms` stop a run."""
    limits = ", ".join(sorted({f"alarms.{alarm.what}" for alarm in alarms}))
    return AlarmError(
        f"{subject(decisions)} ({decisions.uri}); nothing is made of them:\n{listed(alarms)}\n"
        f"Remove the cause; or raise {limits} in the recipe (null: no limit); or approve of them as they "
        "are: `curation approve --why TEXT`, with the same --recipe and --lake"
    )


def subject(made: Published) -> str:
    """What is the matter with decisions, or with a calibration, that raise alarms, in a few words."""
    if made.manifest.stage == "calibrations":
        return f"the scores of the judge of {made.manifest.name} agree less with the gold than before"
    return f"the decisions about {made.manifest.name} are out of the ordinary"


def listed(alarms: Collection[Alarm]) -> str:
    """The evidence, a line an alarm; also a list in Markdown."""
    lines = [f"- {alarm.evidence}{_explained(alarm)}" for alarm in list(alarms)[:SHOWN]]
    more = len(alarms) - SHOWN
    return "\n".join([*lines, *([f"- and {more:,} more: `curation report`"] if more > 0 else [])])


def _explained(alarm: Alarm) -> str:
    return f"; see `curation explain` of {', '.join(alarm.documents)}" if alarm.documents else ""


def _days(manifest: Manifest) -> dict[tuple[str, str], _Counts]:
    """The counts of each (source, partition)."""
    files = iter(manifest.parts)
    counts: dict[tuple[str, str], _Counts] = {}
    for told in manifest.details["partitions"]:
        found = counts.setdefault((told["source"], told["partition"]), _Counts())
        for dropped in told["dropped"]:
            rows = next(files).rows
            gone = sum(dropped.get(reason, 0) for reason in REASONS.values())
            found.documents += rows
            found.gone += gone
            found.passed += rows - sum(dropped.values()) + gone
    return counts


def _source_losses(
    limit: float | None, days: dict[tuple[str, str], _Counts], decisions: Published
) -> Iterator[Alarm]:
    if limit is None:
        return
    sources: dict[str, _Counts] = {}
    for (source, _), counts in days.items():
        whole = sources.setdefault(source, _Counts())
        whole.gone, whole.passed = whole.gone + counts.gone, whole.passed + counts.passed
    lost = {name: c for name, c in sources.items() if c.gone > limit * c.passed}
    named = _named(decisions, "source", lost)
    for name, counts in lost.items():
        share = counts.gone / counts.passed
        evidence = (
            f"source {name}: {counts.gone:,} of the {counts.passed:,} documents that pass every rule go as "
            f"duplicates, {share:.2%}, where {limit:.2%} is the limit"
        )
        yield Alarm("source_loss", name, share, limit, evidence, named[name])


def _stands_for(limit: int | None, decisions: Published) -> Iterator[Alarm]:
    if limit is None:
        return
    heavy = _heavy(decisions, limit)
    named = _named(decisions, "duplicate_of", heavy)
    for id_, count in sorted(heavy.items(), key=lambda item: (-item[1], item[0])):
        evidence = f"document {id_} stays for {count:,} others, where {limit:,} is the limit"
        yield Alarm("stands_for", id_, count, limit, evidence, named[id_])


def _volumes(limit: float | None, days: dict[tuple[str, str], _Counts]) -> Iterator[Alarm]:
    if limit is None:
        return
    by_source: dict[str, dict[str, int]] = {}
    for (source, partition), counts in days.items():
        by_source.setdefault(source, {})[partition] = counts.documents
    for source, sizes in by_source.items():
        usual = median(sizes.values())
        for partition, size in sizes.items():
            if len(sizes) < FEW_DAYS or max(size, usual) < FEW_DOCUMENTS:
                continue
            if usual / limit <= size <= usual * limit:
                continue
            bound = usual * limit if size > usual else usual / limit
            evidence = (
                f"source {source}, {partition}: {size:,} documents, where the median of {len(sizes)} days is "
                f"{usual:,} and the limit {'' if size > usual else '1/'}{limit:g} of it"
            )
            yield Alarm("volume", f"{source}/{partition}", size, bound, evidence)


def _losses(settings: Alarms, details: Mapping[str, Any]) -> Iterator[Alarm]:
    """What the judge has lost since the last calibration before, or else the best: by more than the limit,
    and not by chance, as the interval of the change excludes 0."""
    gold = details["gold"]["name"]
    limits: tuple[tuple[What, str, float | None, int], ...] = (
        ("kappa_loss", "kappa", settings.kappa_loss, -1),
        ("mae_loss", "mae", settings.mae_loss, 1),
    )
    for what, figure, limit, worse in limits:
        for drift in details["drift"]:
            change = drift[figure]
            if limit is None or change["low"] is None:
                continue
            loss, surely = worse * change["value"], min(worse * change["low"], worse * change["high"])
            if loss > limit and surely > 0:
                before = drift[f"{figure}_before"]["value"]
                evidence = (
                    f"{gold}: the judge's {figure} on {drift['documents']:,} documents was {before:.3f} with "
                    f"{drift['model_before']} and is {before + change['value']:.3f} with {details['model']}: "
                    f"worse by {loss:.3f}, at least by {surely:.3f}, where {limit:g} is the limit"
                )
                yield Alarm(what, gold, loss, limit, evidence)
                break


def _heavy(decisions: Published, limit: int) -> dict[str, int]:
    """The documents that stay for more than `limit` others, and for how many.

    Misra and Gries, "Finding repeated elements" (1982), a batch at a time: of `gone` ids, those that come
    more than gone / (most + 1) times are among the `most` that are held. A second reading counts these.
    """
    gone = sum(decisions.manifest.dropped.get(reason, 0) for reason in REASONS.values())
    most = gone // (limit + 1)
    if not most:
        return {}
    held: Counter[str] = Counter()
    for batch in _duplicates(decisions, ["duplicate_of"]):
        held.update(_counted(batch["duplicate_of"]))
        if len(held) > most:
            least = sorted(held.values())[-most - 1]
            held = Counter({id_: count - least for id_, count in held.items() if count > least})
    counts: Counter[str] = Counter()
    for batch in _duplicates(decisions, ["duplicate_of"]):
        counts.update({i: n for i, n in _counted(batch["duplicate_of"]).items() if i in held})
    return {id_: count for id_, count in counts.items() if count > limit}


def _named(decisions: Published, column: str, wanted: Collection[str]) -> dict[str, tuple[str, ...]]:
    """The ids of the first duplicates in which `column` has each of the values `wanted`."""
    found: dict[str, tuple[str, ...]] = dict.fromkeys(wanted, ())
    lacking = set(wanted)
    for batch in _duplicates(decisions, ["id", column]) if lacking else ():
        rows = batch.filter(pc.is_in(batch[column], pa.array(sorted(lacking))))
        for id_, value in zip(rows["id"].to_pylist(), rows[column].to_pylist(), strict=True):
            if value in lacking:
                found[value] = (*found[value], id_)
                if len(found[value]) == NAMED:
                    lacking.discard(value)
        if not lacking:
            break
    return found


def _duplicates(decisions: Published, columns: list[str]) -> Iterator[pa.RecordBatch]:
    """The rows of what goes as a duplicate, in order."""
    for uri in decisions.part_uris():
        for batch in stage.read_batches(uri, list(dict.fromkeys([*columns, "duplicate_of"])), _BATCH_ROWS):
            yield batch.filter(pc.is_valid(batch["duplicate_of"]))


def _counted(ids: pa.Array) -> dict[str, int]:
    counts = pc.value_counts(ids)
    return dict(zip(counts.field("values").to_pylist(), counts.field("counts").to_pylist(), strict=True))

"""Approvals: that a person has looked at the alarms of decisions, or of a calibration, and lets them pass, or
at what a classifier that did not pass its gate is worth, and promotes it.

A fact in the lake, written once. It is of these decisions, this calibration or this classifier alone: a day
more, a tombstone, another threshold, model or prompt makes others, about which is asked anew; so does an
alarm that a lower limit raises later.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from curation import alarms, storage
from curation.alarms import Alarm
from curation.layout import Layout
from curation.recipe import Alarms
from curation.stage import Published

GATE = "gate"


@dataclass(frozen=True)
class Approval:
    """Why an alarm, or a classifier, may pass, and who said so, where that is known."""

    why: str
    by: str | None


def find(lake: Layout, decisions: Published, alarm: Alarm) -> Approval | None:
    """The approval of an alarm of `decisions`, if there is one."""
    return _find(lake.approval(decisions.manifest.digest, alarm.name))


def pending(lake: Layout, settings: Alarms, decisions: Published) -> tuple[Alarm, ...]:
    """The alarms that `decisions` raise and that are not approved."""
    raised = alarms.raised(settings, decisions)
    return tuple(alarm for alarm in raised if find(lake, decisions, alarm) is None)


def add(lake: Layout, decisions: Published, approved: Iterable[Alarm], given: Approval) -> None:
    """Approve alarms of `decisions`; an approval that is there already stays as it is."""
    for alarm in approved:
        said = {"decisions": decisions.input.name, "alarm": asdict(alarm)}
        _add(lake.approval(decisions.manifest.digest, alarm.name), said, given)


def promotion(lake: Layout, classifier: Published) -> Approval | None:
    """By whom `classifier` is promoted, and why, if it is."""
    return _find(lake.approval(classifier.manifest.digest, GATE))


def promote(lake: Layout, classifier: Published, given: Approval) -> None:
    """Promote `classifier`; a promotion that is there already stays as it is."""
    said = {"classifier": classifier.input.name, "report": classifier.manifest.details["report"]}
    _add(lake.approval(classifier.manifest.digest, GATE), said, given)


def _find(uri: str) -> Approval | None:
    if not storage.exists(uri):
        return None
    said = json.loads(storage.read_bytes(uri))
    return Approval(said["why"], said["by"])


def _add(uri: str, said: Mapping[str, Any], given: Approval) -> None:
    data = json.dumps({**said, **asdict(given)}, indent=1, ensure_ascii=False).encode()
    storage.create(uri, data)

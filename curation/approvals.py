"""Approvals: that a person has looked at the alarms of a set of decisions and lets them pass.

A fact in the lake, written once. It is of these decisions alone: a day more, a tombstone or another
threshold makes others, about which is asked anew; so does an alarm that a lower limit raises later.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from curation import alarms, storage
from curation.alarms import Alarm
from curation.layout import Layout
from curation.recipe import Alarms
from curation.stage import Published


@dataclass(frozen=True)
class Approval:
    """Why an alarm may pass, and who said so, where that is known."""

    why: str
    by: str | None


def find(lake: Layout, decisions: Published, alarm: Alarm) -> Approval | None:
    """The approval of an alarm of `decisions`, if there is one."""
    uri = lake.approval(decisions.manifest.digest, alarm.name)
    if not storage.exists(uri):
        return None
    said = json.loads(storage.read_bytes(uri))
    return Approval(said["why"], said["by"])


def pending(lake: Layout, settings: Alarms, decisions: Published) -> tuple[Alarm, ...]:
    """The alarms that `decisions` raise and that are not approved."""
    raised = alarms.raised(settings, decisions)
    return tuple(alarm for alarm in raised if find(lake, decisions, alarm) is None)


def add(lake: Layout, decisions: Published, approved: Iterable[Alarm], given: Approval) -> None:
    """Approve alarms of `decisions`; an approval that is there already stays as it is."""
    for alarm in approved:
        said = {"decisions": decisions.input.name, "alarm": asdict(alarm), **asdict(given)}
        data = json.dumps(said, indent=1, ensure_ascii=False).encode()
        storage.create(lake.approval(decisions.manifest.digest, alarm.name), data)

"""What counts as a change of a configuration, and what does not.

A fingerprint is the identity of a configuration: what changes the bytes of a stage's output is in it,
what does not is left out, with the reason, in `LEFT_OUT`. The inputs are not part of it: a stage's
identity is (fingerprint, digests of the inputs).
"""

import json
from collections.abc import Mapping
from typing import Any

from curation.document import content_hash

SCHEME = 1  # raised when the way of fingerprinting changes: every stage is then computed anew

LEFT_OUT = {
    "path": "where archives lie does not change what they say; their bytes are inputs",
    "schedule": "when a stage runs does not change what it computes",
}


def canonical(value: Any) -> str:
    """JSON with sorted keys and no spaces, without the keys of `LEFT_OUT`, at any depth."""
    return json.dumps(_kept(value), sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def fingerprint(stage: str, version: int, settings: Mapping[str, Any]) -> str:
    """16 hex digits that change when `stage` would compute something else from the same inputs."""
    return content_hash(f"fingerprint-{SCHEME}", stage, str(version), canonical(settings))[:16]


def _kept(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {k: _kept(v) for k, v in value.items() if k not in LEFT_OUT}
    if isinstance(value, list | tuple):
        return [_kept(v) for v in value]
    return value

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
}


def canonical(value: Any) -> str:
    """JSON with sorted keys and no spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def fingerprint(stage: str, version: int, settings: Mapping[str, Any]) -> str:
    """16 hex digits that change when `stage` would compute something else from the same inputs."""
    kept = {name: value for name, value in settings.items() if name not in LEFT_OUT}
    return content_hash(f"fingerprint-{SCHEME}", stage, str(version), canonical(kept))[:16]

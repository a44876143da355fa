"""A server that stands in for Claude where there is no key: its API, answered by rules (`offline-rules-1`).

It is not a language model, bills nothing, and answers to no model's name but its own.
"""

from curation.claude.stand_in.rules import MODEL
from curation.claude.stand_in.server import StandIn, serve

__all__ = ["MODEL", "StandIn", "serve"]

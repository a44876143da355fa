"""The client: made here from a connection or the environment, or handed in by whoever has made one."""

import os
import re
from dataclasses import dataclass, field

import anthropic

from curation.errors import ClaudeError


@dataclass(frozen=True)
class Connection:
    """Where Claude is spoken to. Without `base_url`, at Anthropic. The key never shows in a repr."""

    api_key: str = field(repr=False)
    base_url: str | None = None

    def client(self) -> anthropic.Anthropic:
        return anthropic.Anthropic(api_key=self.api_key, base_url=self.base_url)


def from_environment() -> Connection:
    """The connection that ANTHROPIC_API_KEY and ANTHROPIC_BASE_URL name.

    A base URL alone is enough: a local server asks for no key.
    """
    api_key = os.environ.get("ANTHROPIC_API_KEY")
    base_url = os.environ.get("ANTHROPIC_BASE_URL")
    if not api_key and not base_url:
        raise ClaudeError(
            "neither ANTHROPIC_API_KEY nor ANTHROPIC_BASE_URL is set; set the key to ask Claude, or run "
            "`python -m curation.claude.stand_in` and set ANTHROPIC_BASE_URL to the address that it prints"
        )
    return Connection(api_key or "no-key", base_url or None)


def described(error: Exception, client: anthropic.Anthropic | anthropic.AsyncAnthropic) -> str:
    """One line about an API error for logs and messages: status, type, request id, the server's words,
    and no secret, whatever the server echoes."""
    if isinstance(error, anthropic.APIStatusError):
        kind = error.error_code or error.type or type(error).__name__
        words = error.api_message or "no message"
        text = f"{error.status_code} {kind}: {words} ({error.request_id or 'no request id'})"
    else:
        text = f"{type(error).__name__}: {error}"
    for secret in (client.api_key, client.auth_token):
        if secret:
            text = text.replace(secret, "***")
    return re.sub(r"//[^/@\s]+@", "//***@", text)

"""The client: made here from a connection or the environment, or handed in by whoever has made one."""

import base64
import os
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol, TypeVar
from urllib.parse import unquote_to_bytes

import anthropic
import httpx2

from curation.errors import ClaudeError

T = TypeVar("T")
C = TypeVar("C", anthropic.Anthropic, anthropic.AsyncAnthropic)

_SECRET_CHARS = 4  # shorter ones are no secrets, and may be part of any word
_ANSWER = httpx2.Timeout(600.0, connect=10.0)  # seconds; a local server may let many wait


class Clients(Protocol):
    """Who makes clients: a `Connection`, or what keeps keys and addresses otherwise."""

    def client(self) -> anthropic.Anthropic: ...

    def async_client(self, concurrency: int) -> anthropic.AsyncAnthropic: ...


@dataclass(frozen=True)
class Connection:
    """Where Claude is spoken to. Without `base_url`, at Anthropic. Neither shows in a repr: a base URL may
    have a password in it."""

    api_key: str = field(repr=False)
    base_url: str | None = field(default=None, repr=False)

    def client(self) -> anthropic.Anthropic:
        return sealed(anthropic.Anthropic(api_key=self.api_key, base_url=self.base_url))

    def async_client(self, concurrency: int) -> anthropic.AsyncAnthropic:
        made = anthropic.AsyncAnthropic(api_key=self.api_key, base_url=self.base_url)
        return each_once(sealed(made), concurrency)


def each_once(client: anthropic.AsyncAnthropic, concurrency: int) -> anthropic.AsyncAnthropic:
    """`client` for so many requests at once, each sent once: who uses it decides what goes again."""
    limits = httpx2.Limits(max_connections=concurrency, max_keepalive_connections=concurrency)
    http = anthropic.DefaultAsyncHttpxClient(limits=limits, timeout=_ANSWER)
    return client.with_options(max_retries=0, http_client=http)


def sealed(client: C) -> C:
    """The client itself; of one whose base URL has a user and password in it, another that sends these in a
    header, as HTTP has it, and whose URL can be logged."""
    url = httpx2.URL(str(client.base_url))
    if not url.userinfo:
        return client
    plain = url.copy_with(username=None, password=None)
    said = base64.b64encode(unquote_to_bytes(url.userinfo)).decode()
    return client.with_options(base_url=str(plain), default_headers={"Authorization": f"Basic {said}"})


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


class Garbled(anthropic.APIError):
    """The service, or a proxy in front of it, answered 200 with what is no answer of the API's."""


def whole(call: Callable[[], T], needed: str, client: anthropic.Anthropic) -> T:
    """What `call` of the SDK gives, if it has the field `needed`; else an APIError."""
    with _told(client):
        return _having(needed, call())


async def whole_async(call: Awaitable[T], needed: str, client: anthropic.AsyncAnthropic) -> T:
    """`whole`, of an async client."""
    with _told(client):
        return _having(needed, await call)


def _having(needed: str, answer: T) -> T:
    if getattr(answer, needed, None) is None:
        raise ValueError(needed)
    return answer


@contextmanager
def _told(client: anthropic.Anthropic | anthropic.AsyncAnthropic) -> Iterator[None]:
    """The SDK lets the error of a body through that is no JSON, gives a string for one that does not say that
    it is JSON, and stumbles over such a string where it expects a page: Garbled, all of them."""
    try:
        yield
    except (ValueError, AttributeError) as error:
        said = "the answer is not the API's; is something else at this address?"
        raise Garbled(said, httpx2.Request("GET", client.base_url), body=None) from error


def described(error: Exception, client: anthropic.Anthropic | anthropic.AsyncAnthropic) -> str:
    """One line about an API error for logs and messages: status, type, request id, the server's words,
    and no secret, whatever the server echoes."""
    if isinstance(error, anthropic.APIStatusError):
        kind = error.error_code or error.type or type(error).__name__
        words = error.api_message or "no message"
        text = f"{error.status_code} {kind}: {words} ({error.request_id or 'no request id'})"
    else:
        text = f"{type(error).__name__}: {error}"
    # Of the headers only those that were set beside the SDK's own: a gateway's key may be among them.
    headers = (value for value in client._custom_headers.values() if isinstance(value, str))
    for secret in (client.api_key, client.auth_token, *headers):
        if secret and len(secret) >= _SECRET_CHARS:
            text = text.replace(secret, "***")
    return without_password(text)


def without_password(text: str) -> str:
    """`text` with no user and password in the URLs that it holds."""
    return re.sub(r"//[^/@\s]+@", "//***@", text)

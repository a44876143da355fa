"""What the stand-in takes in: the SDK's own parameter types, strictly, and the rules that they lack."""

import re
import secrets
from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import TypeAdapter
from pydantic_core import SchemaValidator, ValidationError

from curation.claude.schema import check_schema
from curation.claude.stand_in.rules import ABOUT, MODEL
from curation.errors import ClaudeError

BATCH_REQUESTS_MAX = 100_000
BODY_BYTES_MAX = 32_000_000
BATCH_BODY_BYTES_MAX = 256_000_000
LIST_LIMIT_MAX = 1000

_CUSTOM_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")


class ApiError(Exception):
    """An error in the API's shape. `details` hold the `error_code`, where it has one."""

    def __init__(
        self,
        status: int,
        kind: str,
        message: str,
        *,
        details: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.kind, self.message = status, kind, message
        self.details, self.headers = details, headers or {}

    def body(self, request_id: str) -> dict[str, Any]:
        error: dict[str, Any] = {"type": self.kind, "message": self.message}
        if self.details:
            error["details"] = self.details
        return {"type": "error", "error": error, "request_id": request_id}


def request_id() -> str:
    return f"req_{secrets.token_hex(12)}"


def invalid(message: str) -> ApiError:
    return ApiError(400, "invalid_request_error", message)


def not_found(what: str) -> ApiError:
    return ApiError(404, "not_found_error", what)


def check_model(model: object, served: str = MODEL) -> None:
    """The stand-in answers for itself alone, so that its answers are never taken for Claude's."""
    if model != served:
        raise not_found(
            f"model: {model!r} is not served here. {ABOUT} Name {served}, or set another base URL."
        )


def check_params(params: object) -> dict[str, Any]:
    """The parameters of one message, or ApiError where the Messages API would refuse them."""
    checked = _checked("MessageCreateParamsNonStreaming", params)
    check_model(checked["model"])
    if checked["max_tokens"] < 1:
        raise invalid("max_tokens: must be at least 1")
    try:
        schema = schema_of(checked)
        if schema is not None:
            check_schema(schema, "output_config.format.schema")
    except ClaudeError as error:
        raise invalid(str(error)) from error
    return checked


def check_count_params(params: object, served: str = MODEL) -> dict[str, Any]:
    """The parameters of a token count."""
    checked = _checked("MessageCountTokensParams", params)
    check_model(checked["model"], served)
    return checked


def check_batch(body: object, served: str = MODEL) -> list[dict[str, Any]]:
    """The requests of a message batch. Their `params` are looked at one by one when they are answered, as
    the API does, but for the model: a batch for another is refused whole."""
    if not isinstance(body, dict) or set(body) != {"requests"} or not isinstance(body["requests"], list):
        raise invalid("requests: the body is an object with a list of requests, and nothing else")
    requests: list[Any] = body["requests"]
    if not 1 <= len(requests) <= BATCH_REQUESTS_MAX:
        raise invalid(f"requests: {len(requests):,} given; 1 to {BATCH_REQUESTS_MAX:,} are allowed")
    seen: set[str] = set()
    for i, request in enumerate(requests):
        if not isinstance(request, dict) or set(request) != {"custom_id", "params"}:
            raise invalid(f"requests.{i}: has custom_id and params, and nothing else")
        custom_id = request["custom_id"]
        if not isinstance(custom_id, str) or not _CUSTOM_ID.fullmatch(custom_id):
            raise invalid(f"requests.{i}.custom_id: must match ^[a-zA-Z0-9_-]{{1,64}}$")
        if custom_id in seen:
            raise invalid(f"requests.{i}.custom_id: {custom_id!r} is there twice")
        seen.add(custom_id)
        if not isinstance(request["params"], dict):
            raise invalid(f"requests.{i}.params: must be an object")
        check_model(request["params"].get("model"), served)
    return requests


def schema_of(params: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The JSON schema that an answer is asked to fit."""
    output_format = (params.get("output_config") or {}).get("format")
    return None if output_format is None else output_format["schema"]


def _checked(type_name: str, params: object) -> dict[str, Any]:
    try:
        checked: dict[str, Any] = _validator(type_name).validate_python(params, strict=True)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(step) for step in first["loc"]) or "body"
        raise invalid(f"{where}: {first['msg']}") from error
    return checked


@cache
def _validator(type_name: str) -> SchemaValidator:
    """The SDK's type, with unknown fields forbidden and lazy iterables as lists, both at every depth."""
    from anthropic import types
    from anthropic.types.message_create_params import MessageCreateParamsNonStreaming

    params = {
        "MessageCreateParamsNonStreaming": MessageCreateParamsNonStreaming,
        "MessageCountTokensParams": types.MessageCountTokensParams,
    }
    return SchemaValidator(_strict(TypeAdapter(params[type_name]).core_schema))


def _strict(node: Any) -> Any:
    if isinstance(node, list | tuple):
        return type(node)(_strict(part) for part in node)
    if not isinstance(node, dict):
        return node
    node = {key: part if key == "metadata" else _strict(part) for key, part in node.items()}
    if node.get("type") == "generator":
        node["type"] = "list"
    if node.get("type") in ("typed-dict", "model-fields"):
        node["extra_behavior"] = "forbid"
    if node.get("type") in ("typed-dict", "model"):
        node["config"] = {**node.get("config", {}), "extra_fields_behavior": "forbid"}
    return node

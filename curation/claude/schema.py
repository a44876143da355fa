"""The JSON Schema that structured output understands: refuse the rest, and read an answer by it.

The API knows no recursion, no bounds on numbers or lengths, and wants `additionalProperties: false`.
It does not promise the letter case of an enum, so reading an answer gives the schema's own spelling.
"""

from collections.abc import Mapping
from typing import Any

from curation.errors import ClaudeError

Schema = Mapping[str, Any]

_KEYWORDS = {"$defs", "$ref", "additionalProperties", "anyOf", "const", "description", "enum", "format"}
_KEYWORDS |= {"items", "properties", "required", "title", "type"}
_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}


class SchemaMismatch(ValueError):  # noqa: N818 - an outcome, not an error of the user's
    """An answer that its schema does not allow; says where and why, never the answer itself."""


def check_schema(schema: Schema, where: str = "schema") -> None:
    """Raise ClaudeError where `schema` says what structured output cannot do."""
    unknown = sorted(set(schema) - _KEYWORDS)
    if unknown:
        raise ClaudeError(
            f"{where}: structured output does not know {unknown[0]!r}; say it in a `description` instead"
        )
    if not {"type", "enum", "const", "anyOf", "$ref"} & set(schema):
        raise ClaudeError(f"{where}: says nothing of what is allowed; give it a `type`")
    if schema.get("type", "null") not in _TYPES:
        raise ClaudeError(f"{where}: type is {schema['type']!r}; one of {', '.join(_TYPES)} is needed")
    if schema.get("type") == "array" and "items" not in schema:
        raise ClaudeError(f"{where}: an array needs `items`")
    if schema.get("type") == "object":
        _check_object(schema, where)
    for name, part in {**schema.get("properties", {}), **schema.get("$defs", {})}.items():
        check_schema(part, f"{where}.{name}")
    if "items" in schema:
        check_schema(schema["items"], f"{where}[]")
    for i, part in enumerate(schema.get("anyOf", ())):
        check_schema(part, f"{where}|{i}")


def _check_object(schema: Schema, where: str) -> None:
    if schema.get("additionalProperties") is not False:
        raise ClaudeError(f"{where}: an object needs `additionalProperties: false`")
    loose = sorted(set(schema.get("properties", {})) ^ set(schema.get("required", ())))
    if loose:
        raise ClaudeError(f"{where}: {loose[0]!r} must stand in both `properties` and `required`")


def conform(value: object, schema: Schema) -> Any:
    """`value` as `schema` spells it; raises SchemaMismatch where it is not allowed."""
    return _conform(value, schema, schema, "answer")


def _conform(value: object, schema: Schema, root: Schema, where: str) -> Any:
    if "$ref" in schema:
        return _conform(value, _resolve(schema["$ref"], root), root, where)
    if "anyOf" in schema:
        return _conform_any(value, schema["anyOf"], root, where)
    if "enum" in schema or "const" in schema:
        return _conform_enum(value, schema.get("enum", [schema.get("const")]), where)
    return _conform_type(value, schema, root, where)


def _conform_type(value: object, schema: Schema, root: Schema, where: str) -> Any:
    wanted = schema["type"]
    if not isinstance(value, _TYPES[wanted]) or (isinstance(value, bool) and wanted != "boolean"):
        raise SchemaMismatch(f"{where} is {type(value).__name__}, not {wanted}")
    if isinstance(value, dict):
        return _conform_object(value, schema, root, where)
    if isinstance(value, list):
        return [_conform(v, schema["items"], root, f"{where}[{i}]") for i, v in enumerate(value)]
    return value


def _resolve(ref: str, root: Schema) -> Schema:
    name = ref.removeprefix("#/$defs/")
    try:
        found: Schema = root["$defs"][name]
    except KeyError:
        raise ClaudeError(f"the schema refers to {ref!r}, which its `$defs` lacks") from None
    return found


def _conform_any(value: object, parts: list[Schema], root: Schema, where: str) -> Any:
    for part in parts:
        try:
            return _conform(value, part, root, where)
        except SchemaMismatch:
            continue
    raise SchemaMismatch(f"{where} fits none of the {len(parts)} alternatives")


def _conform_enum(value: object, allowed: list[Any], where: str) -> Any:
    for option in allowed:
        if value == option and isinstance(value, bool) == isinstance(option, bool):
            return option
        if isinstance(value, str) and isinstance(option, str) and value.lower() == option.lower():
            return option
    raise SchemaMismatch(f"{where} is none of the {len(allowed)} values of its enum")


def _conform_object(value: dict[str, Any], schema: Schema, root: Schema, where: str) -> dict[str, Any]:
    properties = schema.get("properties", {})
    absent = [name for name in schema.get("required", ()) if name not in value]
    if absent:
        raise SchemaMismatch(f"{where} lacks {absent[0]!r}")
    if not set(value) <= set(properties):
        raise SchemaMismatch(f"{where} has fields that its schema does not name")
    return {n: _conform(value[n], part, root, f"{where}.{n}") for n, part in properties.items() if n in value}

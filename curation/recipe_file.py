"""Reads a recipe from YAML; where it is wrong, names file, line, value and remedy."""

import difflib
import glob
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from curation import storage
from curation.errors import RecipeError
from curation.recipe import Decontaminate, Gold, Recipe, Source

Named = TypeVar("Named", Source, Decontaminate, Gold)  # has a path

SHIPPED = Path(__file__).parent / "recipes"


def load(path: str | Path, overrides: Mapping[str, Any] | None = None) -> Recipe:
    """The recipe in the file `path`, or the shipped one of that name.

    `overrides` maps dotted fields to values that take the place of the file's:
    {"select.duplicates.similarity": 0.7}. Raises RecipeError.
    """
    file = find(path)
    try:
        text = file.read_text(encoding="utf-8")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise RecipeError(f"{file}:{line}: not YAML: {error.problem}") from error
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        said = str(error).partition("\n")[0]
        raise RecipeError(f"{file} cannot be read as YAML in UTF-8: {said}") from error
    if not isinstance(data, dict) or node is None:
        raise RecipeError(f"{file}:1: a recipe is a mapping with `name`, `interval`, `sources` …")
    _refuse_repeated_keys(file, node)
    for field, value in (overrides or {}).items():
        _override(data, field.split("."), value)
    try:
        recipe = Recipe.model_validate(data)
    except ValidationError as error:
        # A default that follows another field is no mistake of its own.
        found = [detail for detail in error.errors() if detail["type"] != "default_factory_not_called"]
        lines = [_explain(file, node, detail) for detail in found]
        raise RecipeError("\n".join(lines)) from error
    return _resolve(recipe, file.resolve().parent)


def find(path: str | Path) -> Path:
    """The file of a recipe: `path` itself, or `path` among the recipes that ship."""
    file = Path(path).expanduser()
    shipped = SHIPPED / f"{path}.yaml"
    if file.is_file():
        return file
    if shipped.is_file():
        return shipped
    names = ", ".join(sorted(p.stem for p in SHIPPED.glob("*.yaml")))
    raise RecipeError(f"no recipe at {path}; name a YAML file, or one that ships: {names}")


def _resolve(recipe: Recipe, folder: Path) -> Recipe:
    """`recipe` with its relative paths made absolute, from the recipe's own folder."""
    # The folder is a place, not a pattern: brackets in its name stand for themselves.
    pattern = Path(glob.escape(str(folder)))
    sources = [_at(source, pattern) for source in recipe.sources]
    sets = recipe.annotate.decontaminate
    annotate = recipe.annotate.model_copy(update={"decontaminate": _at(sets, folder) if sets else None})
    judge = recipe.judge
    if judge and judge.embeddings:
        judge = judge.model_copy(update={"embeddings": _path(judge.embeddings, folder)})
    if judge and judge.gold:
        judge = judge.model_copy(update={"gold": _at(judge.gold, folder)})
    return recipe.model_copy(update={"sources": tuple(sources), "annotate": annotate, "judge": judge})


def _at(named: Named, folder: Path) -> Named:
    return named.model_copy(update={"path": _path(named.path, folder)})


def _path(path: str, folder: Path) -> str:
    return os.path.normpath(folder / storage.unabbreviated(path)) if storage.is_local(path) else path


def _override(data: dict[str, Any], field: list[str], value: Any) -> None:
    for name in field[:-1]:
        data = data.setdefault(name, {})
    data[field[-1]] = value


def _explain(file: Path, node: yaml.Node, error: ErrorDetails) -> str:
    where = ".".join(str(step) for step in error["loc"])
    line = _line(node, error["loc"])
    if error["type"] == "extra_forbidden":
        known = _fields(error["loc"][:-1])
        near = difflib.get_close_matches(str(error["loc"][-1]), known, n=1, cutoff=0.0)
        hint = f"; the nearest is `{near[0]}`" if near else ""
        return f"{file}:{line}: `{where}` is no setting{hint}"
    if error["type"] == "missing":
        return f"{file}:{line}: `{where}` is missing; write it"
    message = error["msg"].removeprefix("Value error, ")
    if not where:
        return f"{file}: {message}"
    return f"{file}:{line}: `{where}` is {error['input']!r}: {message}"


def _line(node: yaml.Node, loc: tuple[int | str, ...]) -> int:
    """The line (from 1) of the innermost node on the way `loc` that is in the file."""
    line = node.start_mark.line + 1
    for step in loc:
        found: yaml.Node | None = None
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if key.value == str(step):
                    found, line = value, key.start_mark.line + 1
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            found = node.value[step]
            line = found.start_mark.line + 1
        if found is None:
            break
        node = found
    return line


def _fields(loc: tuple[int | str, ...]) -> list[str]:
    """The settings that the model at `loc` has; none where it is no model of its own."""
    model: Any = Recipe
    for step in loc:
        if isinstance(step, str) and model and step in model.model_fields:
            model = _model(model.model_fields[step].annotation)
    return sorted(model.model_fields) if model else []


def _model(annotation: Any) -> type[BaseModel] | None:
    """The model in an annotation such as `Model | None` or `tuple[Model, ...]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    inner = (_model(argument) for argument in getattr(annotation, "__args__", ()))
    return next((model for model in inner if model), None)


def _refuse_repeated_keys(file: Path, node: yaml.Node) -> None:
    if isinstance(node, yaml.MappingNode):
        seen: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if key.value in seen:
                raise RecipeError(
                    f"{file}:{line}: `{key.value}` is set twice, first on line {seen[key.value]}"
                )
            seen[key.value] = line
            _refuse_repeated_keys(file, value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _refuse_repeated_keys(file, item)

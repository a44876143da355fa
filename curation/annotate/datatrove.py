"""Any filter of datatrove (github.com/huggingface/datatrove), named in a recipe, as an annotator.

A datatrove filter gives a verdict, not a value, so here the column is a verdict: '' where the filter keeps
the document, else the reason that it gives, or its class name when it gives none. Where it fails on one
document the reason is `failed_` and the error's name. What a filter does to the text or the metadata is not
kept. The network is left alone where datatrove would use it without need: URLFilter reads the public-suffix
list that ships with tldextract, LanguageFilter the model that ships with curation. Filters that draw at
random draw from a generator seeded by the document's id, so no answer depends on which documents came before.
"""

import difflib
import importlib.util
import inspect
import json
from functools import cache, partial
from importlib.metadata import version
from itertools import chain
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

import pyarrow as pa

from curation.annotate.language import model
from curation.annotator import Annotator
from curation.errors import RecipeError
from curation.recipe import DatatroveFilter

VERSION = 1

_SCALARS = {int, float, bool, str, NoneType}


def datatrove_filter(settings: DatatroveFilter) -> Annotator:
    """The annotator that runs the filter. It is made when the first document comes, once a process: datatrove
    and its tokenizers take seconds to import. `check` makes it at once."""
    columns = pa.schema([pa.field(settings.column, pa.string(), nullable=False)])
    annotate = partial(_annotate, settings.model_dump_json(), columns)
    asked = {**settings.model_dump(mode="json"), "datatrove": version("datatrove")}
    return Annotator(f"datatrove-{settings.column}", VERSION, columns, annotate, asked)


def check(settings: DatatroveFilter) -> None:
    """RecipeError if there is no such filter or it cannot be made so.

    A file or a model that the filter reads is looked for when the first document comes.
    """
    _made(settings.model_dump_json())


def _annotate(asked: str, columns: pa.Schema, batch: pa.RecordBatch) -> pa.RecordBatch:
    run = _made(asked)
    reasons = [run.reason(row) for row in batch.to_pylist()]
    return pa.record_batch([pa.array(reasons, pa.string())], schema=columns)


@cache
def _made(asked: str) -> "_Filter":
    settings = DatatroveFilter.model_validate_json(asked)
    kind = _filter_class(settings.filter)
    _check_settings(kind, settings)
    _check_modules(kind)
    try:
        return _Filter(kind, settings)
    except OSError as error:
        raise RecipeError(
            f"datatrove's {settings.filter} needs a file that cannot be read: {error}"
        ) from error
    except Exception as error:  # a foreign constructor may raise anything: a bad pattern, a missing tokenizer
        raise RecipeError(f"datatrove's {settings.filter} refuses {settings.settings}: {error}") from error


class _Filter:
    """One datatrove filter, made without its package's check of distribution names.

    That check refuses `fasttext-community`, which gives the module `fasttext`; `_check_modules` asks for the
    modules instead.
    """

    def __init__(self, kind: type[Any], settings: DatatroveFilter) -> None:
        self.name = settings.filter
        self.seed = int(settings.settings.get("seed") or 0)
        self.ready = False
        self.filter = object.__new__(kind)
        self.filter.__init__(**settings.settings)
        if hasattr(self.filter, "language"):
            from datatrove.utils.word_tokenizers import load_word_tokenizer

            load_word_tokenizer(self.filter.language)  # now, not at a document, it may say what is missing

    def reason(self, row: dict[str, Any]) -> str:
        """'' if the filter keeps the document, else why not."""
        from datatrove.pipeline.filters.base_filter import get_filter_result

        document = _document(row)
        self._prepare(document.id)
        try:
            keeps, reason = get_filter_result(self.filter.filter(document))
        except (ImportError, OSError, TypeError) as error:
            raise _cannot_run(self.name, error) from error
        except Exception as error:  # noqa: BLE001  foreign code over any text: one document must not end a run
            return f"failed_{type(error).__name__}"
        return "" if keeps else str(reason or self.name)

    def _prepare(self, id: str) -> None:  # noqa: A002
        """Once: what the filter reads from disk. Each time: its random generator."""
        if not self.ready:
            _load(self.filter, self.name)
            self.ready = True
        if hasattr(self.filter, "uniform"):
            from numpy.random import default_rng

            self.filter.uniform = default_rng([self.seed, *id.encode()]).uniform


def _load(filter_: Any, name: str) -> None:
    """Has the filter read what it needs, from what is installed where that is possible."""
    if hasattr(filter_, "tldextractor"):
        from tldextract import TLDExtract

        filter_.tldextractor = TLDExtract(cache_dir=None, suffix_list_urls=())
    if type(filter_).__name__ == "LanguageFilter" and filter_.backend == "ft176":
        filter_.model._model = model()
    try:
        _ = getattr(filter_, "model", None)  # FastTextClassifierFilter checks its labels once only, here
    except (ImportError, OSError, TypeError, ValueError) as error:
        raise _cannot_run(name, error) from error


def _cannot_run(name: str, error: Exception) -> RecipeError:
    return RecipeError(
        f"datatrove's {name} cannot run here ({type(error).__name__}: {error}): install or fetch what it "
        "names, or mend its settings in the recipe"
    )


def _document(row: dict[str, Any]) -> Any:
    """A document as datatrove has it: url and licence join what metadata holds, a language perhaps."""
    from datatrove.data import Document

    known = {key: row[key] for key in ("source", "url", "license") if row[key] is not None}
    return Document(text=row["text"], id=row["id"], metadata={**json.loads(row["metadata"]), **known})


def _filter_class(name: str) -> type[Any]:
    """The class called `name`; RecipeError with the nearest name if there is none."""
    from datatrove.pipeline import filters
    from loguru import logger

    logger.disable("datatrove")  # it reports progress, which is ours to report
    classes = {key: value for key, value in vars(filters).items() if isinstance(value, type)}
    if name == "LambdaFilter":
        raise RecipeError(
            "datatrove's LambdaFilter takes a function, which a recipe cannot hold: name another filter"
        )
    if name not in classes:
        (near,) = difflib.get_close_matches(name, classes, n=1, cutoff=0)
        raise RecipeError(
            f"datatrove has no filter {name!r}; the nearest is {near!r}; it has {sorted(classes)}"
        )
    return classes[name]


def _check_settings(kind: type[Any], settings: DatatroveFilter) -> None:
    """RecipeError if a setting is unknown, is missing or is of another type than the filter declares."""
    parameters = dict(inspect.signature(kind.__init__).parameters)
    for name in ("self", "exclusion_writer"):
        parameters.pop(name, None)
    for key, value in settings.settings.items():
        if key not in parameters:
            near = difflib.get_close_matches(key, parameters, n=1, cutoff=0)
            hint = f"; the nearest is {near[0]!r}" if near else ""
            raise RecipeError(
                f"datatrove's {settings.filter} has no setting {key!r}{hint}; it has {[*parameters]}"
            )
        if not _fits(value, parameters[key].annotation):
            kinds = _spell(parameters[key].annotation)
            raise RecipeError(f"datatrove's {settings.filter}: {key}: {value!r} should be {kinds}")
    missing = [key for key, p in parameters.items() if p.default is p.empty and key not in settings.settings]
    if missing:
        raise RecipeError(f"datatrove's {settings.filter} needs the setting {missing[0]!r}")


def _fits(value: object, annotation: Any) -> bool:
    """Whether a value may stand where a scalar is declared; other declarations are left to the filter.

    Any number will do where datatrove says int or float: it declares int for thresholds on means.
    """
    declared = _members(annotation)
    if not declared <= _SCALARS:
        return True
    if type(value) in (int, float):
        return bool(declared & {int, float})
    return type(value) in declared


def _members(annotation: Any) -> set[Any]:
    return set(get_args(annotation)) if get_origin(annotation) in (Union, UnionType) else {annotation}


def _spell(annotation: Any) -> str:
    return " or ".join(sorted(kind.__name__.replace("NoneType", "null") for kind in _members(annotation)))


def _check_modules(kind: type[Any]) -> None:
    """RecipeError if a module that the filter declares is not installed."""
    declared = chain.from_iterable(getattr(base, "_requires_dependencies", []) for base in kind.mro())
    for entry in declared:
        module, package = entry if isinstance(entry, tuple) else (entry, entry)
        if importlib.util.find_spec(module) is None:
            raise RecipeError(
                f"datatrove's {kind.__name__} needs the module {module!r}, which is not installed: "
                f"pip install {package}"
            )

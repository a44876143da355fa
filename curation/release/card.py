"""The dataset card: README.md with the front matter that the Hugging Face hub reads, and a picture."""

from collections.abc import Sequence

import yaml

from curation import storage
from curation.funnel import ENTERED, Funnel
from curation.manifest import Manifest
from curation.plot import funnel_png
from curation.recipe import Recipe

_SIZES = [(1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M")]
_SIZES += [(10_000_000, "1M<n<10M"), (100_000_000, "10M<n<100M"), (1_000_000_000, "100M<n<1B")]


def write(uri: str, recipe: Recipe, made: Manifest, funnel: Funnel) -> None:
    """Write README.md and funnel.png into the release at `uri`."""
    storage.write_bytes(
        storage.join(uri, "funnel.png"), funnel_png(funnel, f"{recipe.name}: what stays, and why not")
    )
    storage.write_bytes(storage.join(uri, "README.md"), text(recipe, made, funnel).encode())


def text(recipe: Recipe, made: Manifest, funnel: Funnel) -> str:
    """The card of the release that `made` describes."""
    title = recipe.release.title or recipe.name
    sections = [_front_matter(title, made), f"# {title}\n", recipe.description.strip() + "\n"]
    sections += [
        _contents(recipe, made),
        _funnel(funnel),
        _licences(made),
        _redaction(made),
        _removal(made),
        _synthetic(recipe),
        _provenance(made),
    ]
    return "\n".join(section for section in sections if section.strip())


def _front_matter(title: str, made: Manifest) -> str:
    rows = made.details["rows"]
    size = next((name for limit, name in _SIZES if rows < limit), "n>1B")
    front = {
        "pretty_name": title,
        "license": "other",
        "license_name": "by-document",
        "license_link": "README.md",
        "task_categories": ["text-generation"],
        "size_categories": [size],
        "configs": [
            {"config_name": "default", "data_files": [{"split": "train", "path": "data/train-*.parquet"}]}
        ],
    }
    return f"---\n{yaml.safe_dump(front, sort_keys=False)}---\n"


def _contents(recipe: Recipe, made: Manifest) -> str:
    rows = [
        (name, f"{count:,}", f"{recipe.release.weights.get(name, 1.0):g}")
        for name, count in made.details["rows_by_source"].items()
    ]
    days = recipe.interval.days
    return (
        f"{made.kept:,} documents in {made.details['rows']:,} rows and {len(made.parts)} shards, "
        f"{made.details['text_bytes']:,} bytes of text, days {days[0]} to {days[-1]}.\n\n"
        + _table(("source", "rows", "weight"), rows)
    )


def _funnel(funnel: Funnel) -> str:
    rows = []
    for step in funnel.steps:
        if step.name in ENTERED:
            rows.append((ENTERED[step.name], f"{step.rows_in:,}", ""))
        rows += [(f"{step.name}: {reason}", "", f"−{count:,}") for reason, count in step.dropped.items()]
        rows.append((f"**after {step.name}**", f"**{step.rows_out:,}**", ""))
    return "## Funnel\n\n![What stays, and why not](funnel.png)\n\n" + _table(
        ("", "documents", "dropped"), rows
    )


def _licences(made: Manifest) -> str:
    rows = [(name, f"{count:,}") for name, count in made.details["rows_by_license"].items()]
    return "## Licences\n\nEach row carries its licence in the column `license`.\n\n" + _table(
        ("licence", "rows"), rows
    )


def _redaction(made: Manifest) -> str:
    if "redacted" not in made.details:
        return ""
    rows = [(f"`<{kind}>`", f"{count:,}") for kind, count in made.details["redacted"].items()]
    return (
        "## Redaction\n\nPersonal data of these kinds was looked for in `text` and replaced by its kind; "
        "other columns are as they came. What is found and what is missed: `docs/pii.md` of the project. "
        "The `digest` of a redacted row is that of its redacted text.\n\n"
        + _table(("placeholder", "times"), rows)
    )


def _removal(made: Manifest) -> str:
    if "removed" not in made.details:
        return ""
    count = made.details["removed"]["c4"]
    return (
        "## Removed\n\nWhat C4's rules take out of a text (lines without an end mark, of few words or about "
        f"scripts and policies; citation marks) was taken out: {count:,} spans. The `digest` of such a row "
        "is that of the text that is left.\n"
    )


def _synthetic(recipe: Recipe) -> str:
    if recipe.synthesize is None:
        return ""
    s = recipe.synthesize
    return (
        f"## Synthetic text\n\nRows of the source `{s.source}` were written by `{s.model}`; "
        f"`parents` names the documents they were written from. Released by this permission: {s.permission}\n"
    )


def _provenance(made: Manifest) -> str:
    return (
        f"## Provenance\n\n`manifest.json` names the inputs ({len(made.inputs)}) and the digest of every "
        f"shard. Recipe `{made.name}`, fingerprint `{made.fingerprint}`. `curation explain ID` tells of any "
        "document why it was kept or dropped.\n"
    )


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return (
        "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
        + "\n"
    )

"""Which licence a document has."""

from curation.recipe import Source


def license_of(source: Source, url: str | None) -> str | None:
    """What `source` states for `url`: the licence of all, or that of the longest prefix that fits."""
    if not isinstance(source.license, dict):
        return source.license
    fitting = [prefix for prefix in source.license if (url or "").startswith(prefix)]
    return source.license[max(fitting, key=len)] if fitting else None

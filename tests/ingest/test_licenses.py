"""A page has the licence of the most specific place that is named."""

import pytest

from curation.ingest.licenses import license_of
from tests.ingest.archives import source

BY_PREFIX = {"http://a/": "CC0", "http://a/docs/": "PSF", "": "unknown"}


@pytest.mark.parametrize(
    ("stated", "url", "found"),
    [
        (None, "http://a/", None),
        ("CC0", None, "CC0"),
        (BY_PREFIX, "http://a/docs/x", "PSF"),
        (BY_PREFIX, "http://a/x", "CC0"),
        (BY_PREFIX, "http://b/", "unknown"),
        ({"http://a/": "CC0"}, "http://b/", None),
        ({"http://a/": "CC0"}, None, None),
    ],
)
def test_the_longest_prefix_wins(
    stated: str | dict[str, str] | None, url: str | None, found: str | None
) -> None:
    assert license_of(source(license=stated), url) == found

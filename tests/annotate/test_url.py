import pytest

from curation.annotate.url import URL, values_of
from tests.annotate.batches import batch


def test_a_blocked_domain_is_blocked_with_its_hosts_and_its_name_within_another_is_not():
    assert values_of("https://pornhub.com/")[0]
    assert values_of("http://www.pornhub.com:80/x?y#z")[0]
    assert not values_of("https://pornhub.com.example.org/")[0]
    assert not values_of("https://docs.python.org/3/")[0]


@pytest.mark.parametrize("url", ["https://example.org/sex/xxx", "https://example.org/SEX/Xxx"])
def test_banned_words_count_in_any_case(url: str):
    assert values_of(url)[1] >= 1


def test_soft_words_count_apart_so_that_one_alone_drops_nothing():
    assert values_of("https://example.org/lingerie") == (False, 0, 1, 0)
    assert values_of("https://example.org/Lingerie/nude/nude") == (False, 0, 2, 0)
    assert values_of("https://example.org/lingeries") == (False, 0, 0, 0)


def test_parts_of_words_are_found_across_what_separates_them():
    for path in ("ball-gag", "footBALLgags", "ball/g_ag"):
        assert values_of(f"https://example.org/{path}") == (False, 0, 0, 1)
    assert values_of("https://example.org/ball") == (False, 0, 0, 0)


def test_a_document_without_a_url_has_no_bad_one():
    (row,) = URL.annotate(batch("text")).to_pylist()
    assert list(row.values()) == [False, 0, 0, 0]


@pytest.mark.parametrize(
    "url", ["", "x", "://", "http://[", "http://[::1]/", "a\nb", "http://é.\u202e/", "\x00"]
)
def test_any_string_may_stand_where_a_url_should(url: str):
    assert len(URL.annotate(batch("text", url=url))) == 1

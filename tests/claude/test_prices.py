from decimal import Decimal

import pytest

from curation.claude.prices import OVERHEAD_TOKENS, check_model, cost, is_free, most
from curation.errors import ClaudeError

M = 1_000_000


def usage(**counts):
    return {"input_tokens": 0, "output_tokens": 0} | counts


def test_a_model_without_a_price_is_an_error_and_never_free():
    with pytest.raises(ClaudeError, match="claude-next-9"):
        cost("claude-next-9", usage(input_tokens=1))
    with pytest.raises(ClaudeError, match=r"prices\.yaml"):
        is_free("claude-next-9")


def test_a_batch_pays_half_of_everything():
    spent = usage(input_tokens=M, output_tokens=M)
    assert cost("claude-sonnet-5-5", spent, batch=False) == Decimal(12)
    assert cost("claude-sonnet-5-5", spent) == Decimal(6)


def test_cache_writes_and_reads_are_billed_at_their_own_rates():
    spent = usage(
        cache_creation_input_tokens=3 * M,
        cache_creation={"ephemeral_1h_input_tokens": M, "ephemeral_5m_input_tokens": 2 * M},
        cache_read_input_tokens=10 * M,
    )
    assert cost("claude-opus-5-5", spent, batch=False) == Decimal(8 + 2 * 5 + 2)


def test_a_long_prompt_is_billed_at_the_long_tier_counting_what_was_cached():
    at_limit = usage(input_tokens=50_000, cache_read_input_tokens=50_000)
    beyond = usage(input_tokens=50_001, cache_read_input_tokens=50_000)
    assert cost("claude-haiku-5-5", at_limit, batch=False) == Decimal("0.0055")
    assert cost("claude-haiku-5-5", beyond, batch=False) == Decimal("0.0275005")


def test_a_dated_snapshot_has_its_models_price():
    spent = usage(output_tokens=M)
    assert cost("claude-haiku-5-5-20261001", spent) == cost("claude-haiku-5-5", spent) == Decimal("0.25")


def test_a_million_documents_cost_what_the_reference_says():
    each = usage(input_tokens=900 + 1200, output_tokens=60)
    assert cost("claude-haiku-5-5", each) * M == Decimal(120)


def test_the_stand_in_bills_nothing():
    assert is_free("offline-rules-1")
    assert cost("offline-rules-1", usage(input_tokens=M, output_tokens=M)) == 0
    assert not is_free("claude-haiku-5-5")


def test_a_reservation_is_the_most_that_any_answer_could_cost():
    """Whatever of the bytes are tokens, whatever of them is cached, at whatever length within max_tokens."""
    written_as = {None: None, "5m": "ephemeral_5m_input_tokens", "1h": "ephemeral_1h_input_tokens"}
    for model in ("claude-haiku-5-5", "claude-sonnet-5-5", "claude-haiku-4-5"):
        for size in (10, 50_000, 99_500, 400_000):
            for ttl, kind in written_as.items():
                reserved = most(model, input_bytes=size, max_tokens=700, ttl=ttl)
                for cached in (0, size // 2, size) if kind else (0,):
                    tokens = size + OVERHEAD_TOKENS - cached
                    spent = usage(input_tokens=tokens, output_tokens=700)
                    written = {"cache_creation_input_tokens": cached, "cache_creation": {kind: cached}}
                    read = {"cache_read_input_tokens": cached}
                    assert cost(model, spent | written) <= reserved
                    assert cost(model, spent | read) <= reserved


def test_a_reservation_is_not_dearer_than_it_must_be():
    exact = cost("claude-sonnet-5-5", usage(input_tokens=3_000 + OVERHEAD_TOKENS, output_tokens=400))
    assert most("claude-sonnet-5-5", input_bytes=3_000, max_tokens=400) == exact
    assert most("claude-sonnet-5-5", input_bytes=3_000, max_tokens=400, batch=False) == exact * 2
    assert most("offline-rules-1", input_bytes=3_000, max_tokens=400, ttl="1h") == 0


def test_the_price_for_tests_is_no_price_for_a_recipe():
    assert not is_free("offline-rules-1-priced")
    check_model("claude-haiku-5-5")
    with pytest.raises(ClaudeError, match="is for tests"):
        check_model("offline-rules-1-priced")
    with pytest.raises(ClaudeError, match="no price"):
        check_model("claude-next-9")

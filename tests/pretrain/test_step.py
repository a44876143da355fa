"""One step: it learns, it predicts only what it may, and what is not finite changes nothing."""

import math
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
import torch

from curation.errors import RecipeError
from curation.pretrain import packing, step
from curation.pretrain.model import GPT
from curation.pretrain.optimizer import WEIGHT_DECAY, AdamW
from curation.pretrain.rows import Packed
from curation.recipe import Pretrain
from tests.pretrain.releases import toy_texts, write_release

SMALL = Pretrain(steps=40, batch_rows=4, context=32, layers=2, heads=2, width=32, warmup_steps=4)
VOCABULARY = 4096


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Packed:
    folder = tmp_path_factory.mktemp("step")
    packing.pack(write_release(folder / "release", [toy_texts(60)]), folder / "packed", SMALL.context)
    return Packed(folder / "packed", SMALL.context)


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Threads that wait for busy cores make these small steps a hundred times slower."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def make_model() -> GPT:
    torch.manual_seed(0)
    return GPT(SMALL, VOCABULARY)


def test_a_later_token_changes_no_earlier_prediction() -> None:
    model = make_model()
    for block in model.blocks:  # they start at zero, which would hide what attention sees
        torch.nn.init.normal_(block.attention_out.weight, std=0.1)
        torch.nn.init.normal_(block.feed_out.weight, std=0.1)
    ids = torch.randint(0, VOCABULARY, (2, 20))
    changed = ids.clone()
    changed[:, 12] = (changed[:, 12] + 1) % VOCABULARY
    with torch.no_grad():
        before, after = model(ids), model(changed)
    assert torch.allclose(before[:, :12], after[:, :12], atol=1e-5)
    assert not torch.allclose(before[:, 13:], after[:, 13:], atol=1e-3)


def test_the_order_of_the_tokens_matters() -> None:
    model = make_model()
    torch.nn.init.normal_(model.blocks[0].attention_out.weight, std=0.1)
    with torch.no_grad():
        one, other = model(torch.tensor([[5, 6, 7]])), model(torch.tensor([[6, 5, 7]]))
    assert not torch.allclose(one[:, -1], other[:, -1], atol=1e-4)


def test_an_untrained_model_is_as_unsure_as_chance(packed: Packed) -> None:
    losses, logsumexp, predicted = step.token_losses(make_model(), packed.train.batch(np.arange(4)))
    assert abs(float(losses[predicted].mean().detach()) - math.log(VOCABULARY)) < 0.2
    assert abs(float(logsumexp[predicted].mean()) - math.log(VOCABULARY)) < 0.2


def test_segment_losses_are_the_loss_seen_by_document(packed: Packed) -> None:
    model = make_model()
    batch = packed.train.batch(np.array([1, 0, len(packed.train) - 1]))
    with torch.no_grad():
        losses, logsumexp, predicted = step.token_losses(model, batch)
        logits = model(torch.from_numpy(batch.tokens[:, :-1]))
    assert torch.allclose(logsumexp, logits.logsumexp(-1), atol=1e-4)
    measured = step.take(model, AdamW(model), batch, 1e-3)
    for number, own in enumerate(measured.segment_losses.tolist()):
        mine = losses[torch.from_numpy(batch.segments[:, 1:] == number) & predicted]
        assert math.isnan(own) if not len(mine) else own == pytest.approx(float(mine.mean()), rel=1e-4)
    assert float(measured.loss) == pytest.approx(float(losses[predicted].mean()), rel=1e-5)
    squares = logsumexp[predicted].square()
    assert float(measured.logsumexp_squared) == pytest.approx(float(squares.mean()), rel=1e-5)


def test_a_step_that_is_not_finite_changes_neither_weights_nor_optimizer(packed: Packed) -> None:
    model = make_model()
    optimizer = AdamW(model)
    batch = packed.train.batch(np.arange(4))
    step.take(model, optimizer, batch, 1e-3)
    weights = {name: value.clone() for name, value in model.state_dict().items()}
    moments = {name: [one.clone() for one in state] for name, state in optimizer.state_dict().items()}
    hook = model.blocks[0].register_forward_hook(lambda _module, _inputs, output: output * float("inf"))
    measured = step.take(model, optimizer, batch, 1e-3)
    hook.remove()
    assert bool(measured.skipped)
    assert all(torch.equal(value, weights[name]) for name, value in model.state_dict().items())
    for name, state in optimizer.state_dict().items():
        assert all(torch.equal(before, after) for before, after in zip(moments[name], state, strict=True))
    again = step.take(model, optimizer, batch, 1e-3)
    assert not bool(again.skipped)
    assert math.isfinite(float(again.loss))
    assert not torch.equal(model.embedding.weight, weights["embedding.weight"])


def test_the_learning_rate_rises_to_its_peak_and_falls_to_a_tenth() -> None:
    rates = [step.learning_rate(number, SMALL) for number in range(SMALL.steps)]
    peak = SMALL.learning_rate
    assert rates[0] == pytest.approx(peak / 4)
    assert max(rates) == rates[3] == rates[4] == pytest.approx(peak)
    assert rates[-1] == pytest.approx(peak / 10)
    assert all(later < earlier for earlier, later in pairwise(rates[4:]))


def test_a_warm_up_longer_than_the_training_still_has_a_rate_for_every_step() -> None:
    settings = SMALL.model_copy(update={"steps": 3, "warmup_steps": 10})
    assert [step.learning_rate(n, settings) for n in range(3)] == pytest.approx([3e-4, 6e-4, 9e-4])


def test_a_width_that_heads_do_not_divide_evenly_names_the_next_that_they_do() -> None:
    with pytest.raises(RecipeError, match=r"width 100 .* Take 104"):
        GPT(Pretrain(width=100, heads=4), VOCABULARY)


def test_one_batch_again_and_again_is_learned_by_heart(packed: Packed) -> None:
    model = make_model()
    optimizer = AdamW(model)
    batch = packed.train.batch(np.arange(4))
    losses = [float(step.take(model, optimizer, batch, 3e-3).loss) for _ in range(80)]
    assert losses[-1] < 1


def test_updates_are_those_of_torchs_own_adamw(packed: Packed) -> None:
    """The last step is skipped by one and never given to the other."""
    mine, theirs = make_model(), make_model()
    optimizer = AdamW(mine)
    groups = [
        {"params": list(theirs.blocks.parameters()), "weight_decay": WEIGHT_DECAY},
        {"params": [theirs.embedding.weight], "weight_decay": 0.0},
    ]
    reference = torch.optim.AdamW(groups, betas=(0.9, 0.95), foreach=False)
    for number in range(4):
        rate = 1e-3 * (number + 1)
        for weight, other in zip(mine.parameters(), theirs.parameters(), strict=True):
            weight.grad = torch.randn_like(weight)
            other.grad = weight.grad.clone()
        for group in reference.param_groups:
            group["lr"] = rate
        optimizer.step(rate, torch.tensor(float(number == 3)))
        if number < 3:
            reference.step()
    for weight, other in zip(mine.parameters(), theirs.parameters(), strict=True):
        assert torch.allclose(weight, other, atol=1e-6)

"""The schedule of a run: minibatches, warm-up and learning rate as functions of the number of tokens."""

import pytest

from wordsparse.words.recipe import recommended
from wordsparse.words.schedule import MIN_LONG_STEPS, MIN_STEPS, Schedule

GROWING = recommended("cbow", "bounded-ns")
LEVEL = recommended("cbow", "squared")
LONGEST = (GROWING.long_run + 1, LEVEL.long_run, LEVEL.long_run + 1, 200_000_000, 10**11)
LENGTHS = [1, 10, 149, 150, 1_000, 50_000, 1_500_000, *LONGEST]


def steps_of(schedule):
    """Count the minibatches of a run, one by one."""
    passed, steps, largest = 0, 0, schedule.largest_batch()
    while passed < schedule.total_tokens:
        passed += min(largest, schedule.wanted(passed))
        steps += 1
    return steps


@pytest.mark.parametrize("total", LENGTHS)
@pytest.mark.parametrize("recipe", [GROWING, LEVEL], ids=["growing", "level"])
def test_minibatches_never_shrink_and_their_number_is_predicted(recipe, total):
    schedule = Schedule(recipe, total)
    wanted = [schedule.wanted(total * share / 100) for share in range(101)]
    assert wanted == sorted(wanted)
    assert wanted[0] >= 1
    assert 1 <= schedule.largest_batch() <= recipe.batch_tokens
    if not 1_000 <= total <= 200_000_000:
        return
    taken = steps_of(schedule)
    assert schedule.fewest_steps == (MIN_LONG_STEPS if total > recipe.long_run else MIN_STEPS)
    assert taken >= schedule.fewest_steps
    # If minibatches have few tokens, rounding their sizes changes the number of steps.
    assert taken == pytest.approx(schedule.steps(schedule.largest_batch()), rel=0.25 if total < 50_000 else 0.05)


def test_long_runs_use_the_recipes_minibatch_size_and_others_the_given_one():
    assert Schedule(GROWING, 10**10).largest_batch() == GROWING.batch_tokens
    assert Schedule(LEVEL, 10**10).largest_batch() == LEVEL.batch_tokens
    assert Schedule(GROWING, 1_000, 7).largest_batch() == 7
    assert Schedule(GROWING, 1_000, 10**9).largest_batch() == 10**9


def test_the_learning_rate_is_zero_in_warm_up_and_falls_to_zero():
    schedule = Schedule(GROWING, 1000)
    lr = GROWING.steps.lr
    assert [schedule.learning_rate(tokens, 50.0) for tokens in (0, 49)] == [0, 0]
    assert schedule.learning_rate(50, 50.0) == pytest.approx(0.95 * lr)
    assert schedule.learning_rate(500, 50.0) == pytest.approx(lr / 2)
    assert schedule.learning_rate(1000, 50.0) == 0
    assert schedule.learning_rate(0, 0.0) == lr  # further training has no warm-up
    assert schedule.remaining(250) == 0.75

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pokespiel.gen1ou.engine import Battles, pack
from pokespiel.gen1ou.engine import layout as at

from .squads import ODD, STANDARD

N = 64


def begin(n=N, seed=0, teams=(STANDARD, ODD)):
    battles = Battles(n)
    packed = np.stack([pack(team) for team in teams])
    battles.reset(np.broadcast_to(packed, (n, *packed.shape)), np.arange(seed, seed + n))
    return battles


def members(rows):
    return np.stack(
        [rows[:, s * at.SIDE : s * at.SIDE + 6 * at.POKEMON] for s in range(2)], axis=1
    ).reshape(len(rows), 2, 6, at.POKEMON)


@given(seed=st.integers(0, 2**32))
@settings(max_examples=15, deadline=None)
def test_hp_pp_and_boosts_stay_within_bounds(seed):
    battles = begin(seed=seed)
    rng = np.random.default_rng(seed)
    for _ in range(120):
        battles.step(battles.random_choices(rng))
        team = members(battles.rows)
        assert (team[..., at.HP] >= 0).all()
        assert (team[..., at.HP] <= team[..., at.MAX_HP]).all()
        pp = team[..., at.PP : at.PP + 4]
        assert ((pp >= 0) & (pp <= 63)).all()
        for s in range(2):
            side = battles.rows[:, s * at.SIDE : (s + 1) * at.SIDE]
            assert (abs(side[:, at.BOOST : at.BOOST + 6]) <= 6).all()
            stats = side[:, at.STAT : at.STAT + 4]
            assert ((stats >= 1) & (stats <= 999)).all()
            alive = (team[:, s, :, at.HP] > 0).sum(-1)
            np.testing.assert_array_equal(side[:, at.POKEMON_LEFT], alive)


def test_battles_end_and_stay_ended():
    battles = begin()
    rng = np.random.default_rng(1)
    for _ in range(1500):
        results = battles.step(battles.random_choices(rng))
        if results.all():
            break
    assert set(results) <= {1, 2, 3}
    before = battles.rows.copy()
    assert not battles.legal().any()
    battles.step(np.full((N, 2), -1))
    np.testing.assert_array_equal(battles.rows, before)


def test_the_same_seeds_give_the_same_battles():
    first, second = begin(), begin()
    for k in range(50):
        first.step(first.random_choices(np.random.default_rng(k)))
        second.step(second.random_choices(np.random.default_rng(k)))
    np.testing.assert_array_equal(first.rows, second.rows)


def test_a_clone_and_its_original_never_influence_each_other():
    battles = begin()
    clone = battles.clone()
    before = battles.rows.copy()
    clone.step(clone.random_choices(np.random.default_rng(0)))
    np.testing.assert_array_equal(battles.rows, before)
    assert (clone.rows != battles.rows).any()


def test_stepping_together_equals_stepping_alone():
    together = begin(n=8)
    rng = np.random.default_rng(2)
    alone = [begin(n=1, seed=k) for k in range(8)]
    for _ in range(40):
        choices = together.random_choices(rng)
        together.step(choices)
        for k, battle in enumerate(alone):
            battle.step(choices[k : k + 1])
    np.testing.assert_array_equal(together.rows, np.concatenate([b.rows for b in alone]))


def test_swapping_the_sides_mirrors_an_opening_without_ties():
    """Tauros outspeeds Dragonite and nothing is drawn for order: only who is called who changes."""
    straight, swapped = begin(), begin(teams=(ODD, STANDARD))
    straight.step(np.tile([0, 5], (N, 1)))
    swapped.step(np.tile([5, 0], (N, 1)))
    a, b = straight.rows.copy(), swapped.rows.copy()
    np.testing.assert_array_equal(a[:, : at.SIDE], b[:, at.SIDE : 2 * at.SIDE])
    np.testing.assert_array_equal(a[:, at.SIDE : 2 * at.SIDE], b[:, : at.SIDE])
    np.testing.assert_array_equal(a[:, at.PRNG_HIGH], b[:, at.PRNG_HIGH])


def test_random_choices_are_legal_and_reach_every_action():
    battles = begin(n=512)
    legal = battles.legal().copy()
    choices = battles.random_choices(np.random.default_rng(0))
    assert legal[np.arange(512)[:, None], np.arange(2), choices].all()
    assert set(choices.ravel()) == set(np.flatnonzero(legal.any((0, 1))))


def test_an_illegal_choice_is_named_and_its_battle_unchanged():
    battles = begin()
    before = battles.rows[3].copy()
    choices = battles.random_choices(np.random.default_rng(0))
    choices[3] = 4, 0  # switch to the Pokémon already out
    with pytest.raises(ValueError, match=r"illegal choices in battles \[3\].*\[4, 0\]"):
        battles.step(choices)
    np.testing.assert_array_equal(battles.rows[3], before)


@pytest.mark.parametrize("choice", [-2, 10, 99])
def test_actions_out_of_range_are_illegal(choice):
    battles = begin(n=1)
    with pytest.raises(ValueError, match="illegal choices"):
        battles.step([[choice, 0]])


def test_wrong_shapes_are_refused():
    battles = begin()
    with pytest.raises(ValueError, match="choices of shape"):
        battles.step(np.zeros((2, 2), np.int32))
    with pytest.raises(ValueError, match="dtype float64: expected integers of shape"):
        battles.step(np.full((N, 2), 0.5))
    with pytest.raises(ValueError, match="teams of shape"):
        battles.reset(np.zeros((1, 2, 6, at.POKEMON)), np.zeros(N))
    with pytest.raises(ValueError, match="seeds of shape"):
        battles.reset(np.ones((N, 2, 6, at.POKEMON)), np.zeros(1))
    with pytest.raises(ValueError, match="empty team"):
        battles.reset(np.zeros((N, 2, 6, at.POKEMON)), np.zeros(N))
    with pytest.raises(ValueError, match="0 battles"):
        Battles(0)


def test_some_battles_can_be_begun_anew():
    battles = begin()
    battles.step(battles.random_choices(np.random.default_rng(0)))
    kept = battles.rows[5].copy()
    packed = np.stack([pack(STANDARD), pack(ODD)])[None]
    battles.reset_some([2], packed, [2])
    np.testing.assert_array_equal(battles.rows[5], kept)
    np.testing.assert_array_equal(battles.rows[2], begin().rows[2])

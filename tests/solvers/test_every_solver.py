"""What every solver does on every awkward game: a valid answer, or a clear refusal."""

import numpy as np
import pytest
from known_games import BIASED_RPS, HAWK_DOVE, random_antisymmetric, symmetric_game

import solvers

NAMES = [info.name for info in solvers.available()]
_RNG = np.random.default_rng(0)
_RPS_WITH_A_TWIN = BIASED_RPS[np.ix_([0, 1, 2, 2], [0, 1, 2, 2])]
_RPS_WITH_A_DOMINATED = np.block([[BIASED_RPS, np.ones((3, 1))], [-np.ones((1, 3)), 0.0]])

GAMES = {
    "one strategy": np.zeros((1, 1)),
    "one strategy each": np.zeros((2, 1, 1)),
    "duplicates": _RPS_WITH_A_TWIN,
    "dominated": _RPS_WITH_A_DOMINATED,
    "all zero": np.zeros((4, 4)),
    "all zero, two populations": np.zeros((2, 2, 3)),
    "tiny": 1e-9 * BIASED_RPS,
    "huge": 1e9 * BIASED_RPS,
    "tiny general-sum": 1e-9 * HAWK_DOVE,
    "huge general-sum": 1e9 * HAWK_DOVE,
    "offset": BIASED_RPS + 1e6,
    "one strategy against many": _RNG.uniform(-1, 1, (2, 1, 5)),
    "three players": _RNG.uniform(-1, 1, (3, 2, 2, 2)),
    "symmetric three players": symmetric_game(_RNG, 3),
}


def check(payoffs: np.ndarray | solvers.Payoffs, result: solvers.MetaStrategy) -> None:
    game = solvers.as_payoffs(payoffs)
    assert len(result.marginals) == game.num_players
    for marginal, n in zip(result.marginals, game.num_strategies, strict=True):
        assert marginal.shape == (n,)
        assert np.all(marginal >= 0.0)
        assert marginal.sum() == pytest.approx(1.0)
        if game.symmetric:
            np.testing.assert_allclose(marginal, result.marginals[0], atol=1e-6)
    assert result.values.shape == result.regrets.shape == (game.num_players,)
    assert np.all(np.isfinite(result.values))
    assert np.all(result.regrets >= 0.0)
    if result.joint is not None:
        assert result.joint.shape == game.num_strategies
        assert result.joint.sum() == pytest.approx(1.0)


REFUSED = {
    (name, game)
    for name in ("nash_averaging", "pfsp", "rectified")
    for game in (
        "tiny general-sum",
        "huge general-sum",
        "one strategy against many",
        "three players",
        "symmetric three players",
    )
}
"""Solver and game it says it cannot take."""


@pytest.mark.parametrize("game", GAMES)
@pytest.mark.parametrize("name", NAMES)
def test_answers_or_refuses(name, game):
    if (name, game) in REFUSED:
        with pytest.raises(solvers.UnsupportedGameError, match="needs"):
            solvers.get(name).solve(GAMES[game])
    else:
        check(GAMES[game], solvers.get(name).solve(GAMES[game]))


@pytest.mark.parametrize("name", NAMES)
def test_takes_plain_rock_paper_scissors_and_keeps_its_symmetry(name):
    result = solvers.get(name).solve([[0.5, 0.0, 1.0], [1.0, 0.5, 0.0], [0.0, 1.0, 0.5]])
    np.testing.assert_allclose(result.values, 0.5, atol=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_answer_does_not_depend_on_the_payoff_unit(name):
    small = solvers.get(name).solve(1e-9 * BIASED_RPS)
    large = solvers.get(name).solve(1e9 * BIASED_RPS)
    if name not in SENSITIVE_TO_SCALE:
        np.testing.assert_allclose(small.marginals[0], large.marginals[0], atol=1e-3)


SENSITIVE_TO_SCALE: set[str] = set()
"""Solvers with a temperature in payoff units."""


@pytest.mark.parametrize("name", NAMES)
def test_five_hundred_strategies(name):
    matrix = random_antisymmetric(np.random.default_rng(1), 500)
    if name in SMALL_GAMES_ONLY:
        with pytest.raises(solvers.UnsupportedGameError, match="500"):
            solvers.get(name).solve(matrix)
    else:
        check(matrix, solvers.get(name).solve(matrix))


SMALL_GAMES_ONLY = {
    *("mgce", "mgcce", "mece", "mecce", "mwce", "mwcce", "min_epsilon_mgce", "min_epsilon_mgcce")
}
"""Solvers that say that 500 strategies are too many for them."""


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("name", NAMES)
def test_not_finite_is_refused(name, bad):
    with pytest.raises(ValueError, match="finite"):
        solvers.get(name).solve([[0.0, bad], [1.0, 0.0]])


@pytest.mark.parametrize("name", NAMES)
def test_is_described(name):
    info = next(info for info in solvers.available() if info.name == name)
    assert info.summary
    assert info.games
    assert info.paper
    assert "\n" not in str(info)

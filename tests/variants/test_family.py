"""The PSRO family on small games: golden curves, and what sets each member apart."""

from __future__ import annotations

from itertools import islice, pairwise

import numpy as np
import pyspiel
import pytest
from open_spiel.python import policy as openspiel_policy

import solvers
from pokespiel import PSRO
from pokespiel.exploitability.exact import exploitability
from pokespiel.openspiel import MatrixGame, OpenSpielGame
from pokespiel.openspiel.policy import from_openspiel, to_openspiel
from pokespiel.oracles.exact import ExactOracle
from pokespiel.protocols import Mixture, Response
from pokespiel.variants.anytime import AnytimeOracle, MinimumExploitability, anytime_psro
from pokespiel.variants.correlated import AdmitNovel, recommendation_targets
from pokespiel.variants.rectified import rectified_target
from pokespiel.variants.self_play import SelfPlayOracle, self_play_psro
from pokespiel.variants.xdo import xdo

GOOFSPIEL = "goofspiel(num_cards=4,imp_info=True,points_order=descending)"
CHICKEN = [[[0, 7], [2, 6]], [[0, 2], [7, 6]]]


@pytest.fixture(scope="module")
def kuhn() -> OpenSpielGame:
    return OpenSpielGame("kuhn_poker")


@pytest.fixture(scope="module")
def leduc() -> OpenSpielGame:
    return OpenSpielGame("leduc_poker")


def curve(loop: PSRO, iterations: int) -> list[float]:
    """Exact exploitability of the meta-strategy before each iteration, and after the last."""
    result = []
    for _ in range(iterations + 1):
        result.append(exploitability(loop.game, loop.result().mixtures()).estimate)
        if loop.converged:
            break
        loop.step()
    return result


class TestPSRO:
    def test_uniform_meta_solver_on_leduc(self, leduc: OpenSpielGame) -> None:
        # Fictitious play: no ties, so bit for bit the same in every implementation.
        steps = PSRO(leduc, oracle=ExactOracle(), meta_solver="uniform").run(101).steps
        found = [steps[i].exploitability for i in (1, 2, 3, 5, 10, 20, 30, 50, 75, 100)]
        golden = [2.603, 2.631, 2.369, 1.697, 1.174, 0.777, 0.544, 0.398, 0.302, 0.250]
        assert found == pytest.approx(golden, abs=6e-4)

    def test_nash_with_first_action_ties_on_leduc(self, leduc: OpenSpielGame) -> None:
        # From the second iteration on, which equilibrium the solver finds decides, too.
        steps = PSRO(leduc, oracle=ExactOracle(ties="first")).run(2).steps
        assert [step.nash_conv for step in steps] == pytest.approx([4.7472, 6.8333], abs=5e-5)

    @pytest.mark.parametrize("ties", ["uniform", "first"])
    def test_nash_on_kuhn_converges_within_ten_iterations(
        self, kuhn: OpenSpielGame, ties: str
    ) -> None:
        result = PSRO(kuhn, oracle=ExactOracle(ties=ties)).run(10)
        assert result.steps[-1].exploitability < 1e-6
        assert result.meta_strategy.values == pytest.approx([-1 / 18, 1 / 18], abs=1e-9)

    @pytest.mark.parametrize("ties", ["uniform", "first"])
    def test_goofspiel_is_solved_within_fifteen_iterations(self, ties: str) -> None:
        result = PSRO(OpenSpielGame(GOOFSPIEL), oracle=ExactOracle(ties=ties)).run(15)
        assert result.steps[-1].exploitability == pytest.approx(0.0, abs=1e-9)

    @pytest.mark.parametrize(
        "solver", ["nash", "prd", "alpharank", "regret_matching_plus", "fictitious_play", "mgcce"]
    )
    def test_every_kind_of_meta_solver_makes_kuhn_less_exploitable(
        self, kuhn: OpenSpielGame, solver: str
    ) -> None:
        # PRD's own stopping rule takes long; a rough solution trains as well.
        settings = {"target_regret": 0.02} if solver == "prd" else {}
        meta_solver = solvers.get(solver, **settings)
        found = curve(PSRO(kuhn, oracle=ExactOracle(), meta_solver=meta_solver), 6)
        assert found[0] == pytest.approx(11 / 24)
        assert found[-1] < 0.11

    def test_three_players(self) -> None:
        game = OpenSpielGame("kuhn_poker(players=3)")
        found = curve(PSRO(game, oracle=ExactOracle(), meta_solver="alpharank"), 8)
        assert found[0] == pytest.approx(2.0625 / 3)
        assert found[-1] < 0.3

    def test_general_sum(self) -> None:
        game = OpenSpielGame("matrix_sh")  # stag hunt
        result = PSRO(game, oracle=ExactOracle()).run(5)
        assert exploitability(game, result.mixtures()).estimate == pytest.approx(0.0, abs=1e-9)


def test_double_oracle_needs_few_strategies() -> None:
    # McMahan et al. 2003 on a Gaussian matrix: a small part of the game is enough for its
    # equilibrium (about 8 of 10, 19 of 25, 36 of 50 strategies for i.i.d. payoffs).
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(50, 50))
    game = MatrixGame([noise, -noise])
    result = PSRO(game, oracle=ExactOracle()).run(60)
    assert result.steps[-1].exploitability == pytest.approx(0.0, abs=1e-9)
    assert max(result.steps[-1].sizes) < 50


class TestRectified:
    def test_trains_support_policies_against_those_they_beat(self) -> None:
        game = MatrixGame([[0, -1, 1], [1, 0, -1], [-1, 1, 0]])
        loop = PSRO(game, oracle=ExactOracle(), meta_solver="rectified", targets=rectified_target)
        loop.run(2)
        strategy, payoffs = loop.result().meta_strategy, loop.table.payoffs()
        targets = rectified_target(strategy, payoffs)
        assert len(targets) == 3
        for target in targets:
            (own,) = np.flatnonzero(target.marginals[0])
            rivals = np.flatnonzero(target.marginals[1])
            assert np.all(payoffs.matrix[own, rivals] >= 0.0)
            assert np.any(payoffs.matrix[own, rivals] > 0.0)

    def test_grows_faster_than_psro_in_kuhn(self) -> None:
        game = OpenSpielGame("kuhn_poker", symmetric=True)
        rectified = PSRO(
            game, oracle=ExactOracle(), meta_solver="rectified", targets=rectified_target
        )
        found = curve(rectified, 6)
        assert found[-1] < found[0] / 3
        plain = PSRO(game, oracle=ExactOracle()).run(6)
        assert rectified.steps[5].sizes[0] > plain.steps[5].sizes[0]

    def test_needs_one_population_and_its_solver(self, kuhn: OpenSpielGame) -> None:
        loop = PSRO(kuhn, oracle=ExactOracle(), meta_solver="rectified", targets=rectified_target)
        with pytest.raises(ValueError, match="one population; make the game symmetric"):
            loop.step()
        symmetric = OpenSpielGame("kuhn_poker", symmetric=True)
        loop = PSRO(symmetric, oracle=ExactOracle(), targets=rectified_target)
        with pytest.raises(ValueError, match="need the meta-solver 'rectified'"):
            loop.step()


class OpenSpielResponses:
    """OpenSpiel's best responses to a joint: first action of a tie, uniform where nobody gets."""

    name = "openspiel"

    def best_response(self, game, player, opponents, *, rng) -> Response:
        form = game.form
        joint = []
        for profile, weight in zip(opponents.profiles, opponents.weights, strict=True):
            behaviours = [policy.behaviour(form, seat) for seat, policy in enumerate(profile)]
            table = to_openspiel(form, behaviours).to_tabular()
            joint.append((float(weight), openspiel_policy.python_policy_to_pyspiel_policy(table)))
        info = pyspiel.cce_dist(
            game.game, joint, player, prob_cut_threshold=0.0, action_value_tolerance=-1.0
        )
        found = openspiel_policy.pyspiel_policy_to_python_policy(
            game.game, info.best_response_policies[0], players=(player,)
        )
        return Response(
            from_openspiel(form, found, [player]), value=float(info.best_response_values[0])
        )


class TestJPSRO:
    # What open_spiel.python.algorithms.jpsro prints (OpenSpiel 2.0.2, train_meta_solver="mgcce").
    @pytest.mark.parametrize(
        ("name", "published"),
        [
            ("kuhn_poker", [0.9167, 0.8333, 0.3333, 0.2721, 0.1667, 0.1034, 0.0202, 0.0]),
            (
                "kuhn_poker(players=3)",
                [2.0625, 0.8333, 0.625, 0.4853, 0.4252, 0.3333, 0.2509, 0.1106, 0.0484, 0.0497],
            ),
        ],
    )
    def test_cce_with_openspiels_ties_is_openspiels_curve(self, name, published) -> None:
        loop = PSRO(
            OpenSpielGame(name),
            oracle=OpenSpielResponses(),
            meta_solver="mgcce",
            admit=lambda response, gain: True,
        )
        gaps = [loop.step().nash_conv for _ in published]
        assert gaps == pytest.approx(published, abs=5e-5)

    def test_cce_with_uniform_ties_is_openspiels_curve(self, kuhn: OpenSpielGame) -> None:
        # The same with action_value_tolerance=1e-9, which mixes tied actions as we do.
        steps = PSRO(kuhn, oracle=ExactOracle(), meta_solver="mgcce").run(8).steps
        published = [0.9167, 0.75, 0.3333, 0.2639, 0.1667, 0.1111, 0.0202, 0.0]
        assert [step.nash_conv for step in steps] == pytest.approx(published, abs=5e-5)

    def test_correlation_beats_independence_in_chicken(self) -> None:
        # Maximum welfare: correlated play takes turns, which no mixture of each can.
        game = MatrixGame(CHICKEN, initial=[1, 1])
        result = PSRO(game, oracle=ExactOracle(), meta_solver="mwcce").run(5)
        joint = result.meta_strategy.joint
        assert joint is not None
        assert result.meta_strategy.values.sum() > 10.0  # 2 * 14/3 in the mixed equilibrium

    def test_ce_answers_every_recommendation(self) -> None:
        game = MatrixGame(CHICKEN)
        loop = PSRO(
            game,
            oracle=ExactOracle(),
            meta_solver="mgce",
            targets=recommendation_targets,
            admit=AdmitNovel(),
        )
        loop.run(4)
        strategy, payoffs = loop.result().meta_strategy, loop.table.payoffs()
        targets = recommendation_targets(strategy, payoffs)
        told = sum(int(np.sum(marginal > 1e-9)) for marginal in strategy.marginals)
        assert len(targets) == told
        for target in targets:
            assert np.count_nonzero(target.joint.sum(axis=1 - target.player)) == 1
        assert loop.converged

    def test_ce_on_three_players(self) -> None:
        game = OpenSpielGame("kuhn_poker(players=3)")
        loop = PSRO(
            game,
            oracle=ExactOracle(),
            meta_solver="mgce",
            targets=recommendation_targets,
            admit=AdmitNovel(),
        )
        steps = [loop.step() for _ in range(4)]
        assert max(r["gain"] for r in steps[-1].responses) < max(
            r["gain"] for r in steps[0].responses
        )
        assert min(steps[-1].sizes) < max(steps[-1].sizes)  # as many as were novel

    def test_ce_needs_a_joint(self, kuhn: OpenSpielGame) -> None:
        loop = PSRO(kuhn, oracle=ExactOracle(), targets=recommendation_targets)
        with pytest.raises(ValueError, match="joint distribution, as 'mgce'"):
            loop.step()


class TestAnytime:
    def test_exploitability_never_rises(self, leduc: OpenSpielGame) -> None:
        anytime = curve(anytime_psro(leduc), 8)
        assert all(b <= a + 1e-9 for a, b in pairwise(anytime))
        plain = curve(PSRO(leduc, oracle=ExactOracle()), 8)
        assert any(b > a + 0.01 for a, b in pairwise(plain))
        assert anytime[-1] < plain[-1]

    def test_converges_on_kuhn(self, kuhn: OpenSpielGame) -> None:
        loop = anytime_psro(kuhn)
        result = loop.run(15)
        assert loop.converged
        assert exploitability(kuhn, result.mixtures()).estimate == pytest.approx(0.0, abs=1e-9)
        assert result.meta_strategy.diagnostics["nash_conv"] == pytest.approx(0.0, abs=1e-8)

    def test_the_solver_knows_the_exploitability(self, kuhn: OpenSpielGame) -> None:
        loop = anytime_psro(kuhn)
        for step in islice(loop, 3):
            mixtures = [
                Mixture(tuple(population[: len(w)]), w)
                for population, w in zip(
                    loop.populations, step.meta_strategy.marginals, strict=True
                )
            ]
            known = step.meta_strategy.diagnostics["nash_conv"]
            assert exploitability(kuhn, mixtures).nash_conv == pytest.approx(known, abs=1e-8)

    def test_resumes(self, kuhn: OpenSpielGame, tmp_path) -> None:
        whole = curve(anytime_psro(kuhn), 4)
        first = anytime_psro(kuhn, directory=tmp_path / "run")
        first.run(2)
        first.close()
        resumed = anytime_psro(kuhn, directory=tmp_path / "run", resume=True)
        assert curve(resumed, 2) == pytest.approx(whole[2:5])

    def test_refuses_other_games(self) -> None:
        for game in (
            OpenSpielGame("kuhn_poker(players=3)"),
            OpenSpielGame("matrix_pd"),
            OpenSpielGame("kuhn_poker", symmetric=True),
        ):
            with pytest.raises(ValueError, match="two players, zero sum and a population for each"):
                anytime_psro(game)
        with pytest.raises(ValueError, match="do not fit a table"):
            MinimumExploitability(OpenSpielGame("kuhn_poker")).solve([[0.0]])
        mixtures = [Mixture((0,), np.ones(1))] * 2
        with pytest.raises(ValueError, match="answers mixtures in OpenSpiel games"):
            AnytimeOracle().best_response(
                MatrixGame([[0.0]]), 0, mixtures, rng=np.random.default_rng(0)
            )


class TestSelfPlay:
    def test_needs_fewer_iterations_than_psro_and_anytime(self, leduc: OpenSpielGame) -> None:
        # The paper: 0.62 against 1.16 and 0.78 after 10 iterations with learned responses.
        with_average = curve(self_play_psro(leduc), 4)[-1]
        assert with_average < 0.25
        assert with_average < curve(anytime_psro(leduc), 4)[-1]

    def test_adds_two_policies_of_which_one_mixes(self, kuhn: OpenSpielGame) -> None:
        loop = self_play_psro(kuhn)
        loop.step()
        assert [len(population) for population in loop.populations] == [3, 3]
        average = loop.populations[0][2].behaviours[0]
        assert np.any((average > 0.05) & (average < 0.95))

    def test_refuses_what_it_cannot_do(self, kuhn: OpenSpielGame) -> None:
        with pytest.raises(ValueError, match="steps must be at least 1"):
            SelfPlayOracle(steps=0)
        mixtures = [Mixture((0,), np.ones(1))] * 2
        with pytest.raises(ValueError, match="needs a compiled game with two populations"):
            SelfPlayOracle().best_response(
                MatrixGame([[0.0]]), 0, mixtures, rng=np.random.default_rng(0)
            )


class TestXDO:
    def test_solves_leduc_in_fewer_iterations_than_psro(self, leduc: OpenSpielGame) -> None:
        # The paper's tabular run needs 16 iterations to 0.001.
        steps = list(islice(xdo(leduc), 25))
        assert steps[-1].nash_conv <= 1e-9
        assert len(steps) <= 20
        assert exploitability(
            leduc, [Mixture((policy,), np.ones(1)) for policy in steps[-1].policies]
        ).nash_conv == pytest.approx(0.0, abs=1e-8)
        plain = PSRO(leduc, oracle=ExactOracle()).run(len(steps)).steps
        assert plain[-1].exploitability > 0.1

    def test_leaves_part_of_the_game_out(self, leduc: OpenSpielGame) -> None:
        *_, last = xdo(leduc)
        for size, own in zip(last.sizes, leduc.form.players, strict=True):
            assert size < own.num_sequences

    def test_refuses_other_games(self) -> None:
        with pytest.raises(ValueError, match="not a two-player zero-sum game"):
            next(xdo(OpenSpielGame("matrix_pd")))
        with pytest.raises(ValueError, match="one population; XDO needs one per player"):
            next(xdo(OpenSpielGame("kuhn_poker", symmetric=True)))

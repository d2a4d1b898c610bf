"""What the baselines choose in battles written out by hand."""

import logging

import numpy as np
import pytest
from poke_env.battle import Battle, Move, Pokemon, Status

from pokespiel.gen1ou.actions import legal_mask
from pokespiel.gen1ou.baselines import (
    MaxDamagePolicy,
    RandomPolicy,
    SimpleHeuristicsPolicy,
)
from pokespiel.gen1ou.baselines.on_showdown import expected_damage
from pokespiel.gen1ou.showdown.decision import Decision, ShowdownPolicy

POLICIES = [RandomPolicy(), MaxDamagePolicy(), SimpleHeuristicsPolicy()]
MOVES = {
    "Tauros": ["bodyslam", "hyperbeam", "blizzard", "earthquake"],
    "Starmie": ["surf", "thunderbolt", "thunderwave", "recover"],
    "Alakazam": ["psychic", "seismictoss", "thunderwave", "recover"],
    "Snorlax": ["bodyslam", "earthquake", "hyperbeam", "selfdestruct"],
}


def decide(own, opponent, *, opponent_condition="100/100", forced=False, only=None):
    """A decision of a player whose active Pokémon is the first of ``own``."""
    battle = Battle("battle-gen1ou-1", "player", logging.getLogger("test"), gen=1)
    moves = [
        {"id": move, "disabled": only is not None and move not in only} for move in MOVES[own[0]]
    ]
    stats = {"atk": 300, "def": 300, "spa": 300, "spd": 300, "spe": 300}
    request = {
        "rqid": 1,
        "side": {
            "pokemon": [
                {
                    "ident": f"p1: {name}", "details": name, "active": place == 0,
                    "condition": "0 fnt" if forced and place == 0 else "300/300",
                    "stats": stats, "moves": MOVES[name], "baseAbility": "noability", "item": "",
                }
                for place, name in enumerate(own)
            ]
        },
    }  # fmt: skip
    request |= {"forceSwitch": [True]} if forced else {"active": [{"moves": moves}]}
    battle.parse_request(request)
    battle.parse_message(["", "switch", f"p2a: {opponent}", opponent, opponent_condition])
    return Decision(0, 0, battle, legal_mask(battle))


@pytest.mark.parametrize("policy", POLICIES)
class TestEveryBaseline:
    def test_is_a_policy_with_a_name(self, policy):
        assert isinstance(policy, ShowdownPolicy)
        assert policy.name in ("random", "max_damage", "simple_heuristics")

    def test_chooses_legal_actions_and_depends_on_the_generator_alone(self, policy):
        decisions = [
            decide(["Tauros", "Starmie"], "Gengar"),
            decide(["Starmie", "Tauros", "Alakazam"], "Zapdos", only=["surf"]),
            decide(["Snorlax", "Alakazam", "Starmie"], "Rhydon", forced=True),
        ] * 10
        actions = policy.act(decisions, np.random.default_rng(5))
        assert actions.shape == (30,)
        assert all(d.legal[action] for d, action in zip(decisions, actions, strict=True))
        np.testing.assert_array_equal(actions, policy.act(decisions, np.random.default_rng(5)))


class TestRandom:
    def test_every_legal_action_is_as_likely(self):
        decision = decide(["Starmie", "Tauros"], "Zapdos", only=["surf", "recover"])
        actions = RandomPolicy().act([decision] * 3000, np.random.default_rng(0))
        counts = np.bincount(actions, minlength=10)
        assert (
            np.flatnonzero(counts).tolist() == np.flatnonzero(decision.legal).tolist() == [0, 3, 5]
        )
        # Within four standard deviations of a third.
        np.testing.assert_allclose(counts[[0, 3, 5]], 1000, atol=4 * np.sqrt(3000 * 2 / 9))


class TestMaxDamage:
    @pytest.mark.parametrize(
        ("own", "opponent", "expected"),
        [
            ("Starmie", "Rhydon", 0),  # Surf is quadruply effective.
            ("Starmie", "Gyarados", 1),  # So is Thunderbolt.
            ("Tauros", "Gengar", 3),  # Normal moves do nothing, Blizzard is weaker.
            ("Tauros", "Zapdos", 2),  # Earthquake does nothing.
            ("Tauros", "Starmie", 0),  # Hyper Beam would cost the next turn.
            ("Alakazam", "Starmie", 1),  # Seismic Toss against a resistance.
            ("Snorlax", "Chansey", 0),  # Self-Destruct would cost Snorlax.
        ],
    )
    def test_it_takes_the_most(self, own, opponent, expected):
        decision = decide([own, "Starmie" if own != "Starmie" else "Tauros"], opponent)
        actions = MaxDamagePolicy().act([decision] * 20, np.random.default_rng(0))
        assert set(actions.tolist()) == {expected}

    def test_what_knocks_out_needs_no_more_power(self):
        """Any hit will do, so accuracy decides and equals are drawn at random."""
        decision = decide(["Tauros", "Starmie"], "Alakazam", opponent_condition="3/100")
        actions = MaxDamagePolicy().act([decision] * 50, np.random.default_rng(0))
        assert set(actions.tolist()) == {0, 3}

    def test_when_it_has_to_switch_it_brings_the_hardest_hitter(self):
        decision = decide(["Tauros", "Alakazam", "Starmie"], "Rhydon", forced=True)
        actions = MaxDamagePolicy().act([decision] * 20, np.random.default_rng(0))
        assert set(actions.tolist()) == {6}


class TestSimpleHeuristics:
    def test_it_takes_the_effective_move(self):
        decision = decide(["Starmie", "Tauros"], "Rhydon")
        assert SimpleHeuristicsPolicy().act([decision], np.random.default_rng(0)).tolist() == [0]


class TestExpectedDamage:
    """Against the rolls of Showdown's damage calculator, within the mean's rounding."""

    def damage(self, move, user, target, **state):
        pokemon = Pokemon(gen=1, species=user), Pokemon(gen=1, species=target)
        for name, value in state.items():
            setattr(pokemon[0] if name == "status" else pokemon[1], name, value)
        return expected_damage(Move(move, gen=1), *pokemon)

    def test_a_plain_hit(self):
        # Body Slam, Tauros on Chansey: 42 x 85 x 298 / 108 / 50 + 2, STAB, mean roll, and the
        # chance 55/256 of a critical hit.
        plain = (42 * 85 * 298 / 108 / 50 + 2) * 1.5 * (236 / 255)
        assert self.damage("bodyslam", "tauros", "chansey") == pytest.approx(
            plain * (1 + 55 / 256 * 40 / 42)
        )

    def test_burns_halve_physical_moves_only(self):
        for move, factor in (("bodyslam", 0.5), ("blizzard", 1.0)):
            burnt = self.damage(move, "tauros", "starmie", status=Status.BRN)
            healthy = self.damage(move, "tauros", "starmie")
            assert burnt / healthy == pytest.approx(factor, abs=0.02)

    @pytest.mark.parametrize(
        ("move", "user", "target", "damage"),
        [
            ("seismictoss", "alakazam", "gengar", 100.0),
            ("sonicboom", "voltorb", "gengar", 20.0),
            ("earthquake", "tauros", "zapdos", 0.0),
            ("thunderwave", "starmie", "tauros", 0.0),
            ("dreameater", "gengar", "tauros", 0.0),
            ("fight", "tauros", "zapdos", 0.0),
        ],
    )
    def test_special_cases(self, move, user, target, damage):
        assert self.damage(move, user, target) == damage

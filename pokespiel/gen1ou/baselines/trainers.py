"""Counterparts of the heuristics that metamon is measured against, for Gen 1.

Written anew from what metamon's code does (Grigsby et al. 2025, arXiv:2504.04395, appendix on
baselines; the Gen 1 one after the games' own "good AI"). They see what metamon's see: the type
chart, its simplified damage formula, their own team, and the opponent's Pokémon on the field.
Where metamon compares damage in hit points with the opponent's hit points in percent, these
compare hit points with hit points.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pokespiel.gen1ou.actions import NUM_MOVES
from pokespiel.gen1ou.arena import Decisions
from pokespiel.gen1ou.baselines import matchup
from pokespiel.gen1ou.baselines.playing import ViewPolicy
from pokespiel.gen1ou.baselines.view import (
    FOE,
    BoolArray,
    FloatArray,
    IntArray,
    View,
    best_switch,
    engine_view,
    first_best,
    showdown_view,
)
from pokespiel.gen1ou.engine import layout as at
from pokespiel.gen1ou.engine import tables
from pokespiel.gen1ou.observation import MOVE_TYPE
from pokespiel.gen1ou.observation import NUM_MOVES as KINDS_OF_MOVES

if TYPE_CHECKING:
    from pokespiel.gen1ou.showdown.decision import Decision

LOWEST_ROLL, MEAN_ROLL = 0.85, 0.925
SPEED_WEIGHT = 0.001
CERTAIN = 255.0 / 256.0
_NOBODY = -1
_MOVES = range(1, KINDS_OF_MOVES)
_RECORDS = [None, *tables.DATA["moves"]]


def _by_move(value: Any) -> NDArray[np.float64]:
    return np.array([0.0, *(float(value(_RECORDS[number])) for number in _MOVES)])


HEAL = _by_move(lambda move: 0.5 if move["id"] in ("recover", "softboiled") else 0.0)
"""Share of the hit points that a move gives back; Rest is none to metamon."""
BOOST = _by_move(
    lambda move: sum(
        amount
        for stat, amount in (move["boosts"] or {}).items()
        if stat not in ("accuracy", "evasion")
    )
)
"""Sum of the stages that a move changes, whoever's; accuracy and evasion do not count."""
LINGERS = _by_move(lambda move: move["category"] == "Status" and move["volatile"] is not None) > 0
"""Status moves with an effect that ends with the Pokémon's time on the field."""
PREPARES = (BOOST != 0) | (HEAL > 0)
PREPARES[[tables.MOVE_NUMBER[name] for name in ("reflect", "lightscreen", "transform")]] = True


class Grunt(ViewPolicy):
    """Rolls the damage of every move and uses the highest; sends in the best type matchup.

    It never leaves of its own will. A roll may miss.
    """

    name = "grunt"

    def choose(self, view: View, rng: np.random.Generator) -> IntArray:
        """One legal action per decision, shape ``(len(view),)``."""
        one = np.arange(len(view))
        shape = view.moves.shape
        rolls = rng.uniform(LOWEST_ROLL, 1.0, size=shape)
        hits = rng.random(shape) <= matchup.hit_chance(view)
        damage = np.ceil(matchup.hit_damage(view, roll=rolls)) * matchup.MEAN_HITS[view.moves]
        attack = first_best(_legal_moves(view, (damage * hits)[one, view.active]))
        return _unless_switching(view, attack, best_switch(view, type_scores(view)))


class _Remembering(ViewPolicy):
    """Knows whether its Pokémon decides for the first time since it came in."""

    def __init__(self) -> None:
        self._decided: dict[tuple[int, int], int] = {}

    def choose(self, view: View, rng: np.random.Generator) -> IntArray:
        """One legal action per decision, every Pokémon taken to have been there before."""
        return self.decide(view, np.zeros(len(view), np.bool_), rng)

    def decide(self, view: View, fresh: BoolArray, rng: np.random.Generator) -> IntArray:
        """One legal action per decision; ``fresh`` tells the first decisions since coming in."""
        raise NotImplementedError

    def act_on_engine(self, decisions: Decisions, rng: np.random.Generator) -> IntArray:
        """One legal action per decision, shape ``(len(decisions),)``."""
        view = engine_view(decisions)
        turns = decisions.rows[decisions.where, at.TURN]
        fresh = np.zeros(len(view), np.bool_)
        for k in range(len(view)):
            key = int(decisions.battles[k]), int(decisions.players[k])
            slot = int(view.active[k])
            fresh[k] = turns[k] <= 1 or self._decided.get(key) != slot
            # Whoever is sent in now comes in, even if it was there a turn ago.
            self._decided[key] = _NOBODY if view.forced[k] else slot
        return self.decide(view, fresh, rng)

    def ended(
        self,
        battles: IntArray,
        players: IntArray,
        states: NDArray[np.float64],
        returns: NDArray[np.float64],
    ) -> None:
        """Forget battles that are over."""
        for battle, player in zip(battles.tolist(), players.tolist(), strict=True):
            self._decided.pop((battle, player), None)

    def act(self, decisions: Sequence[Decision], rng: np.random.Generator) -> IntArray:
        """One legal action per decision, shape ``(len(decisions),)``."""
        actives = [decision.battle.active_pokemon for decision in decisions]
        fresh = np.array([pokemon is not None and pokemon.first_turn for pokemon in actives])
        return self.decide(showdown_view(decisions), fresh, rng)


class Gen1BossAI(_Remembering):
    """The games' "good AI" as metamon reads it: three rules that rank the moves, ties drawn.

    A lingering status move counts against itself when the opponent has a status; a preparing
    move (boosts, recovery, screens, Transform) counts for itself on the first turn; and so does
    whatever type is not resisted, always, status moves included. It sends in the next in line.
    """

    name = "gen1_boss"

    def decide(self, view: View, fresh: BoolArray, rng: np.random.Generator) -> IntArray:
        """One legal action per decision, shape ``(len(view),)``."""
        moves = matchup.active_moves(view)
        has_status = view.status[:, FOE, None] != at.HEALTHY
        penalty = np.where(LINGERS[moves] & has_status, 5.0, 0.0)
        penalty -= PREPARES[moves] & fresh[:, None]
        resisted = matchup.effectiveness(MOVE_TYPE[moves], view.types[:, None, FOE]) < 1.0
        penalty += np.where(resisted, 1.0, -1.0)
        values = _legal_moves(view, -penalty)
        best = (values == values.max(axis=1, keepdims=True)) & view.legal
        attack = np.argmax(rng.random(values.shape) * best, axis=1)
        next_in_line = best_switch(view, np.zeros(view.species.shape))
        return _unless_switching(view, attack, next_in_line)


class GymLeader(_Remembering):
    """Leaves when nothing it has is effective; then a sure knock-out, a boost, recovery, damage.

    Boosts come on the first turn above 90 % of its hit points, every other time; recovery below
    a third, three times in four. It sends in who is faster and surely knocks out, else the best
    type matchup.
    """

    name = "gym_leader"

    def decide(self, view: View, fresh: BoolArray, rng: np.random.Generator) -> IntArray:
        """One legal action per decision, shape ``(len(view),)``."""
        one = np.arange(len(view))
        moves = matchup.active_moves(view)
        hp = view.hp[one, view.active]
        chances = rng.random((len(view), 2))
        mean = matchup.hit_damage(view, roll=MEAN_ROLL)
        critical = matchup.hit_damage(view, roll=MEAN_ROLL, critical=True)
        chance = (matchup.BASE[matchup.team_shapes(view), 3] / 512.0)[:, :, None]
        damage = matchup.hit_chance(view) * matchup.MEAN_HITS[view.moves]
        damage *= (1.0 - chance) * np.ceil(mean) + chance * np.ceil(critical)
        attack = first_best(_legal_moves(view, damage[one, view.active]))

        heal = first_best(_legal_moves(view, HEAL[moves]))
        heals = (hp < 0.33) & _is_legal_move(view, heal, HEAL[moves] > 0.33)
        attack = np.where(heals & (chances[:, 0] < 0.75), heal, attack)
        boost = first_best(_legal_moves(view, BOOST[moves]))
        boosts = fresh & (hp > 0.9) & _is_legal_move(view, boost, BOOST[moves] > 1)
        attack = np.where(boosts & (chances[:, 1] < 0.5), boost, attack)
        sure = sure_damage(view)
        left = matchup.foe_hit_points(view)[:, None]
        knockout = first_best(_legal_moves(view, sure[one, view.active]))
        ends = _is_legal_move(view, knockout, sure[one, view.active] > left)
        attack = np.where(ends, knockout, attack)

        faster = matchup.own_stat(view, at.SPEED) > matchup.foe_stat(view, at.SPEED)[:, None]
        ends_it = faster & (sure.max(axis=2) > left)
        # Whoever ends it goes before any matchup, the first in line before the others.
        speed = SPEED_WEIGHT * matchup.own_stat(view, at.SPEED)
        scores = np.where(ends_it, np.inf, type_scores(view) + speed)
        kinds = matchup.effectiveness(MOVE_TYPE[moves], view.types[:, None, FOE])
        helpless = np.where(moves > 0, kinds, 0.0).max(axis=1) < 1.0
        helpless &= view.legal[:, NUM_MOVES:].any(axis=1)
        switch = best_switch(view, scores)
        return np.where(helpless, switch, _unless_switching(view, attack, switch))


def type_scores(view: View) -> FloatArray:
    """metamon's type matchup ``(n, 6)``: own types it attacks with, less the opponent's types."""
    own, foe = matchup.team_types(view), view.types[:, None, FOE]
    kinds = MOVE_TYPE[view.moves]
    attacks = matchup.POWER[view.moves] > 0
    scores = np.zeros(view.species.shape)
    for k in (0, 1):
        counted = np.ones(own.shape[:2], np.bool_) if k == 0 else own[..., 0] != own[..., 1]
        has_attack = ((kinds == own[..., k, None]) & attacks).any(axis=2)
        scores += matchup.effectiveness(own[..., k], foe) * (has_attack & counted)
        threatens = k == 0 or view.types[:, FOE, 0] != view.types[:, FOE, 1]
        faced = matchup.effectiveness(foe[..., k], own)
        scores -= faced * np.broadcast_to(threatens, len(view))[:, None]
    return scores


def sure_damage(view: View) -> FloatArray:
    """Least damage ``(n, 6, 4)`` of the moves that cannot but hit, the 1 in 256 aside."""
    damage = matchup.hit_damage(view, roll=LOWEST_ROLL) * matchup.FEWEST_HITS[view.moves]
    return np.where(matchup.hit_chance(view) >= CERTAIN, damage, 0.0)


def _legal_moves(view: View, worth: FloatArray) -> FloatArray:
    """Worth ``(n, 10)`` of the four moves where they are legal, -inf elsewhere."""
    values = np.full(view.legal.shape, -np.inf)
    values[:, :NUM_MOVES] = np.where(view.legal[:, :NUM_MOVES], worth, -np.inf)
    return values


def _is_legal_move(view: View, action: IntArray, good: BoolArray) -> BoolArray:
    """Whether the action is a legal move and among the good ones ``(n, 4)``."""
    one = np.arange(len(view))
    slot = np.minimum(action, NUM_MOVES - 1)
    return np.asarray((action < NUM_MOVES) & view.legal[one, action] & good[one, slot])


def _unless_switching(view: View, attack: IntArray, switch: IntArray) -> IntArray:
    """The attack where there is a legal move, else the switch."""
    return np.where(view.legal[:, :NUM_MOVES].any(axis=1), attack, switch)

"""Any OpenSpiel game as a meta-game."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import permutations
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from pokespiel.openspiel.best_response import best_response, best_response_value
from pokespiel.openspiel.compile import compile_game
from pokespiel.openspiel.env import TOGETHER, play_bots, play_states
from pokespiel.openspiel.linear_program import minimum_exploitability
from pokespiel.openspiel.policy import (
    CompiledPolicy,
    InfostatePolicy,
    StatePolicy,
    TabularPolicy,
)
from pokespiel.openspiel.sampling import sample_leaves
from pokespiel.openspiel.sequence_form import FloatArray, SequenceForm
from pokespiel.openspiel.states import has_bots, load_game
from pokespiel.openspiel.training import compiled_episodes, is_keyed, state_episodes
from pokespiel.protocols import (
    Episode,
    JointMixture,
    Mixture,
    Opponents,
    Policy,
    Profile,
    sample_profiles,
)

_NETWORK = "openspiel/network"
"""`NetworkPolicy.kind`; its module needs torch and is loaded when a network is."""


class OpenSpielGame:
    """An OpenSpiel game whose strategies are policies.

    Parameters
    ----------
    name_or_game
        ``"leduc_poker"``, ``"goofspiel(num_cards=4,...)"`` or a ``pyspiel.Game``.
    exact : bool
        Compile the whole game, so that returns and best responses are exact and instant. False:
        play sampled episodes on OpenSpiel's own states, for games too large to compile.
    symmetric : bool
        One population for all players: every policy can play every part, and seats are drawn at
        random before each episode. (Of a game that is symmetric already this changes nothing; of
        any other it makes a symmetric one.)
    initial : sequence of policies, optional
        Where populations start, one per population; default: the uniform random policy.
    max_histories : int
        Refuse to compile larger games.

    Raises
    ------
    ValueError
        If the game is unknown, ``initial`` does not fit it, or ``exact`` and the game cannot be
        compiled (see `compile_game`).

    Examples
    --------
    >>> from pokespiel.openspiel import OpenSpielGame
    >>> game = OpenSpielGame("kuhn_poker")
    >>> uniform = game.initial_policies()
    >>> game.expected_returns([uniform])
    array([[ 0.125, -0.125]])
    """

    def __init__(
        self,
        name_or_game: str | Any,
        *,
        exact: bool = True,
        symmetric: bool = False,
        initial: Sequence[Policy] | None = None,
        max_histories: int = 4_000_000,
    ) -> None:
        self.game = load_game(name_or_game)
        self.num_players = int(self.game.num_players())
        self.is_symmetric = symmetric
        self.is_exact = exact
        self._max_histories = max_histories
        self._form: SequenceForm | None = None
        if exact:
            self._form = compile_game(self.game, max_histories=max_histories)
            self.is_zero_sum = self._form.is_zero_sum
            self.payoff_bounds = self._form.payoff_bounds
        else:
            utility = self.game.get_type().utility
            self.is_zero_sum = utility in (utility.ZERO_SUM, utility.CONSTANT_SUM)
            self.payoff_bounds = (float(self.game.min_utility()), float(self.game.max_utility()))
        settings = ["one population"] * symmetric + ["sampled"] * (not exact)
        self.name = ", ".join([str(self.game), *settings])
        self._plans: WeakKeyDictionary[Any, dict[int, FloatArray]] = WeakKeyDictionary()
        self._bots: WeakKeyDictionary[Any, dict[int, Any]] = WeakKeyDictionary()
        self._initial = None if initial is None else list(initial)
        populations = 1 if symmetric else self.num_players
        if self._initial is not None and len(self._initial) != populations:
            raise ValueError(f"need {populations} initial policies, got {len(self._initial)}")

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle as what to build it from: worker processes compile the game anew."""
        rebuild = partial(
            OpenSpielGame,
            exact=self.is_exact,
            symmetric=self.is_symmetric,
            initial=self._initial,
            max_histories=self._max_histories,
        )
        return rebuild, (self.game,)

    @property
    def form(self) -> SequenceForm:
        """The compiled game.

        Raises
        ------
        ValueError
            If the game was not compiled (``exact=False``).
        """
        if self._form is None:
            raise ValueError(
                f"{self.name} is played by sampling; nothing exact is known of it. Use "
                "OpenSpielGame(..., exact=True) if it is small enough"
            )
        return self._form

    # Policies --------------------------------------------------------------------------------

    def initial_policies(self) -> list[Policy]:
        """One policy per population."""
        if self._initial is not None:
            return list(self._initial)
        if self._form is None:
            return [InfostatePolicy() for _ in range(1 if self.is_symmetric else self.num_players)]
        parts = {p: own.uniform() for p, own in enumerate(self._form.players)}
        if self.is_symmetric:
            return [TabularPolicy(parts)]
        return [TabularPolicy({p: behaviour}) for p, behaviour in parts.items()]

    def save_policy(self, policy: Policy, directory: Path) -> None:
        """Store a policy of any kind that `load_policy` knows."""
        if not hasattr(policy, "save"):
            raise ValueError(f"cannot store a policy of type {type(policy).__name__}")
        policy.save(directory)

    def load_policy(self, directory: Path) -> Policy:
        """Read back what `save_policy` wrote.

        Raises
        ------
        ValueError
            If the directory holds no policy of this game.
        """
        kind = _kind(directory)
        try:
            if kind == TabularPolicy.kind:
                policy = TabularPolicy.load(directory)
                for player in policy.behaviours:
                    self.form.players[player].check(policy.behaviour(self.form, player))
                return policy
            if kind == InfostatePolicy.kind:
                return InfostatePolicy.load(directory)
            if kind == _NETWORK:
                from pokespiel.openspiel.network import NetworkPolicy

                return NetworkPolicy.load(directory)
        except (OSError, KeyError, IndexError, ValueError) as error:
            raise ValueError(f"{directory} holds no policy of {self.name}: {error}") from None
        raise ValueError(f"{directory} holds a policy of unknown kind {kind!r}")

    def average(self, mixture: Mixture, player: int) -> TabularPolicy:
        """The one policy that plays as ``player`` just as the mixture does (Kuhn 1953)."""
        own = self.form.players[player]
        return TabularPolicy({player: own.behaviour(self._average_plan(mixture, player))})

    # Exact -----------------------------------------------------------------------------------

    def expected_returns(self, profiles: Sequence[Profile]) -> FloatArray:
        """Exact expected returns ``(len(profiles), num_players)``."""
        form = self.form
        total = np.zeros((len(profiles), self.num_players))
        seatings = self._seatings()
        for seating in seatings:
            seated = [[profile[player] for player in seating] for profile in profiles]
            by_seat = self._pair_returns(seated) if self.num_players == 2 else None
            if by_seat is None:
                plans = [[self.plan(p, s) for s, p in enumerate(profile)] for profile in seated]
                by_seat = np.array([form.expected_returns(each) for each in plans])
            total[:, list(seating)] += by_seat.reshape(-1, self.num_players)
        return total / len(seatings)

    def mixture_returns(self, strategies: Opponents) -> FloatArray:
        """Expected return ``(num_players,)`` when all play the mixtures, or the joint mixture."""
        if isinstance(strategies, JointMixture):
            returns: FloatArray = strategies.weights @ self.expected_returns(strategies.profiles)
            return returns
        total = np.zeros(self.num_players)
        seatings = self._seatings()
        for seating in seatings:
            plans = [self._average_plan(strategies[p], seat) for seat, p in enumerate(seating)]
            total[list(seating)] += self.form.expected_returns(plans)
        return total / len(seatings)

    def best_response(
        self, player: int, opponents: Opponents, *, ties: str = "uniform"
    ) -> tuple[TabularPolicy, float]:
        """A best response and its expected return; see `pokespiel.openspiel.best_response`."""
        form = self.form
        scale = max(abs(bound) for bound in form.payoff_bounds)
        behaviours, total = {}, 0.0
        seatings = self._seatings()
        for seat in range(self.num_players) if self.is_symmetric else (player,):
            gradient = np.zeros(form.players[seat].num_sequences)
            for seating in seatings:
                if seating[seat] == player:
                    gradient += self._gradient(seat, seating, opponents) / len(seatings)
            behaviours[seat], value = best_response(
                form.players[seat], gradient, scale=scale, ties=ties
            )
            total += value
        return TabularPolicy(behaviours), total

    def gains(self, strategies: Opponents) -> FloatArray:
        """What each player's best response gains over the mixtures or the joint ``(players,)``."""
        form = self.form
        if self.is_symmetric or isinstance(strategies, JointMixture):
            best = [self.best_response(p, strategies)[1] for p in range(self.num_players)]
            gains: FloatArray = np.array(best) - self.mixture_returns(strategies)
            return gains
        plans = [self._average_plan(mixture, p) for p, mixture in enumerate(strategies)]
        gradients = [form.gradient(p, plans) for p in range(self.num_players)]
        return np.array(
            [
                best_response_value(own, gradient) - float(gradient @ plan)
                for own, gradient, plan in zip(form.players, gradients, plans, strict=True)
            ]
        )

    def minimum_exploitability(
        self, player: int, population: Sequence[Policy]
    ) -> tuple[FloatArray, float, TabularPolicy]:
        """The mixture ``(n,)`` that does best against best responses.

        Also what it then gets, and the opponent's part of the equilibrium between the two.

        Raises
        ------
        ValueError
            If this is not a two-player zero-sum game with a population per player.
        """
        if self.is_symmetric:
            raise ValueError(f"{self.name} has one population; this needs one per player")
        plans = np.array([self.plan(policy, player) for policy in population])
        weights, value, reply = minimum_exploitability(self.form, player, plans)
        rival = self.form.players[1 - player]
        return weights, value, TabularPolicy({1 - player: rival.behaviour(reply)})

    def _seatings(self) -> list[tuple[int, ...]]:
        """Ways to seat the players, equally likely: entry ``[seat]`` is the player there."""
        players = tuple(range(self.num_players))
        return list(permutations(players)) if self.is_symmetric else [players]

    def plan(self, policy: Policy, seat: int) -> FloatArray:
        """The realization plan ``(S,)`` of a policy at a seat.

        Kept for tables, which never change (networks do).

        Raises
        ------
        ValueError
            If it is not a policy of this game, or cannot play this part.
        """
        own = self.form.players[seat]
        if isinstance(policy, TabularPolicy | InfostatePolicy):
            plans = self._plans.setdefault(policy, {})
            if seat not in plans:
                plans[seat] = own.realization_plan(policy.behaviour(self.form, seat))
            return plans[seat]
        if isinstance(policy, CompiledPolicy):
            return own.realization_plan(policy.behaviour(self.form, seat))
        raise ValueError(
            f"{self.name} cannot play a policy of type {type(policy).__name__}; convert OpenSpiel "
            "policies with pokespiel.openspiel.policy.from_openspiel"
        )

    def _average_plan(self, mixture: Mixture, seat: int) -> FloatArray:
        support = np.flatnonzero(mixture.weights)
        plans = np.array([self.plan(mixture.policies[int(k)], seat) for k in support])
        plan: FloatArray = mixture.weights[support] @ plans
        return plan

    def _pair_returns(self, profiles: list[list[Policy]]) -> FloatArray:
        """Returns ``(len(profiles), 2)`` by one matrix product over all policies that occur."""
        numbers: list[dict[int, int]] = [{}, {}]
        policies: list[list[Policy]] = [[], []]
        rows = np.zeros((2, len(profiles)), dtype=np.int64)
        for index, profile in enumerate(profiles):
            for seat, policy in enumerate(profile):
                if id(policy) not in numbers[seat]:
                    numbers[seat][id(policy)] = len(policies[seat])
                    policies[seat].append(policy)
                rows[seat, index] = numbers[seat][id(policy)]
        plans = [np.array([self.plan(p, seat) for p in policies[seat]]) for seat in (0, 1)]
        mine, theirs = self.form.matrices
        first = (plans[0] @ (mine @ plans[1].T))[rows[0], rows[1]]
        if self.is_zero_sum:
            second = self.form.tree.returns[0].sum() - first
        else:
            second = ((theirs @ plans[0].T).T @ plans[1].T)[rows[0], rows[1]]
        return np.stack([first, second], axis=1)

    def _gradient(self, seat: int, seating: tuple[int, ...], opponents: Opponents) -> FloatArray:
        """Payoff of each sequence at ``seat`` against the opponents, seated."""
        form = self.form
        if not isinstance(opponents, JointMixture):
            plans = [
                np.zeros(0) if s == seat else self._average_plan(opponents[p], s)
                for s, p in enumerate(seating)
            ]
            return form.gradient(seat, plans)
        weights: dict[tuple[int, ...], float] = {}
        others: dict[tuple[int, ...], list[tuple[int, Policy]]] = {}
        for profile, weight in zip(opponents.profiles, opponents.weights, strict=True):
            group = [(s, profile[p]) for s, p in enumerate(seating) if s != seat]
            key = tuple(id(policy) for _, policy in group)
            weights[key] = weights.get(key, 0.0) + float(weight)
            others[key] = group
        total = np.zeros(form.players[seat].num_sequences)
        for key, group in others.items():
            plans = [np.zeros(0)] * self.num_players
            for s, policy in group:
                plans[s] = self.plan(policy, s)
            total += weights[key] * form.gradient(seat, plans)
        return total

    # Sampled ---------------------------------------------------------------------------------

    def play(
        self, profiles: Sequence[Profile], episodes: int, *, rng: np.random.Generator
    ) -> FloatArray:
        """Play sampled episodes; see `pokespiel.protocols.MetaGame.play`."""
        returns = np.empty((len(profiles), episodes, self.num_players))
        seatings = self._seatings()
        for row, profile in enumerate(profiles):
            drawn = rng.integers(len(seatings), size=episodes)
            for number, seating in enumerate(seatings):
                rows = np.flatnonzero(drawn == number)
                if len(rows):
                    seated = [profile[player] for player in seating]
                    by_seat = self._sample(seated, len(rows), rng)
                    returns[row, rows[:, None], list(seating)] = by_seat
        return returns

    def _sample(
        self, policies: list[Policy], episodes: int, rng: np.random.Generator
    ) -> FloatArray:
        """Returns ``(episodes, num_players)`` with one policy per seat."""
        if self._form is None:
            for policy in policies:
                if not isinstance(policy, StatePolicy):
                    raise ValueError(
                        f"{self.name} cannot play a policy of type {type(policy).__name__}"
                    )
            if has_bots(self.game) and all(isinstance(p, InfostatePolicy) for p in policies):
                tables = [self._in_openspiel(p, seat) for seat, p in enumerate(policies)]
                return play_bots(self.game, tables, episodes, rng=rng)
            return play_states(self.game, [policies] * episodes, rng=rng)
        form = self._form
        behaviours = [policy.behaviour(form, seat) for seat, policy in enumerate(policies)]
        returns: FloatArray = form.tree.returns[sample_leaves(form, behaviours, episodes, rng=rng)]
        return returns

    def _in_openspiel(self, policy: InfostatePolicy, seat: int) -> Any:
        """The table as OpenSpiel's own policy; kept, as tables never change."""
        known = self._bots.setdefault(policy, {})
        if seat not in known:
            known[seat] = policy.to_pyspiel(seat)
        return known[seat]

    # Training --------------------------------------------------------------------------------

    def new_policy(self, *, rng: np.random.Generator) -> Policy:
        """A network policy with freshly drawn weights, the same for every part.

        Raises
        ------
        ValueError
            If the game provides no information state tensors.
        """
        from pokespiel.openspiel.network import NetworkConfig, NetworkPolicy

        if not self.game.get_type().provides_information_state_tensor:
            raise ValueError(f"{self.name} provides no information state tensors for networks")
        size = int(np.prod(self.game.information_state_tensor_shape()))
        config = NetworkConfig(size, int(self.game.num_distinct_actions()))
        return NetworkPolicy.new(config, rng=rng)

    def is_trainable(self, policy: Policy) -> bool:
        """Whether the policy is a network."""
        return hasattr(policy, "network")

    def table_policy(self, tables: Mapping[int, Mapping[str, FloatArray]]) -> InfostatePolicy:
        """The policy that plays by a table of action probabilities; uniform elsewhere."""
        return InfostatePolicy(tables)

    def collect(
        self,
        learner: Policy,
        player: int,
        opponents: Opponents,
        episodes: int,
        *,
        rng: np.random.Generator,
    ) -> list[Episode]:
        """Play ``learner`` as ``player``; see `pokespiel.protocols.TrainingGame.collect`.

        Networks observe ``infostate``, the game's tensor; tables (`InfostatePolicy`) observe
        ``player`` and ``key``, their information state. Rewards are returns divided by the
        largest absolute return of the game.
        """
        keyed = is_keyed(learner)
        scale = max(*(abs(bound) for bound in self.payoff_bounds), np.finfo(float).tiny)
        seatings = self._seatings()
        result: list[Episode] = []
        drawn = rng.integers(len(seatings), size=episodes)
        if self._form is None:
            rivals = sample_profiles(opponents, episodes, rng=rng)
            for start in range(0, episodes, TOGETHER):
                rows = range(start, min(start + TOGETHER, episodes))
                profiles = [[rivals[r][p] for p in seatings[drawn[r]]] for r in rows]
                seats = [seatings[drawn[r]].index(player) for r in rows]
                result += state_episodes(
                    self.game, learner, seats, profiles, keyed=keyed, scale=scale, rng=rng
                )
            return result
        for number, seating in enumerate(seatings):
            seat = seating.index(player)
            count = int(np.sum(drawn == number))
            learning = learner.behaviour(self._form, seat) if count else np.zeros(0)
            for behaviours, share in self._rival_behaviours(seat, seating, opponents, count, rng):
                behaviours[seat] = learning
                result += compiled_episodes(
                    self._form, behaviours, seat, share, keyed=keyed, scale=scale, rng=rng
                )
        return result

    def _rival_behaviours(
        self,
        seat: int,
        seating: tuple[int, ...],
        opponents: Opponents,
        episodes: int,
        rng: np.random.Generator,
    ) -> Iterator[tuple[list[FloatArray], int]]:
        """What the others play, and in how many of the episodes.

        A mixture is played as its average, which nobody can tell apart; so is a joint against a
        single opponent. Against several, profiles are drawn.
        """
        form = self.form
        if isinstance(opponents, JointMixture) and self.num_players == 2:
            opponents = [
                Mixture(tuple(profile[p] for profile in opponents.profiles), opponents.weights)
                for p in range(2)
            ]
        if not isinstance(opponents, JointMixture):
            averages = [
                np.zeros(0)
                if s == seat
                else form.players[s].behaviour(self._average_plan(opponents[p], s))
                for s, p in enumerate(seating)
            ]
            if episodes:
                yield averages, episodes
            return
        for profile, count in zip(
            opponents.profiles, rng.multinomial(episodes, opponents.weights), strict=True
        ):
            if count:
                yield (
                    [
                        np.zeros(0) if s == seat else profile[p].behaviour(form, s)
                        for s, p in enumerate(seating)
                    ],
                    int(count),
                )


def _kind(directory: Path) -> str:
    path = directory / "config.json"
    try:
        return str(json.loads(path.read_text())["kind"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} describes no policy: {error}") from None

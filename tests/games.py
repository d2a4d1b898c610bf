"""Small games and oracles with known answers, for testing the loop."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from pokespiel.protocols import JointMixture, Response

ROCK_PAPER_SCISSORS = np.array([[0.0, -1.0, 1.0], [1.0, 0.0, -1.0], [-1.0, 1.0, 0.0]])
HAWK_DOVE = np.array([[-1.0, 4.0], [0.0, 2.0]])
STAG_HUNT_3P = np.zeros((3, 2, 2, 2))
"""Symmetric, three players: the stag (0) pays 3 if all hunt it, else 0; a hare pays 1."""
for profile in np.ndindex(2, 2, 2):
    for player in range(3):
        stag = 3.0 if profile == (0, 0, 0) else 0.0
        STAG_HUNT_3P[(player, *profile)] = 1.0 if profile[player] == 1 else stag


class TableGame:
    """A normal-form game as a meta-game; a policy is the index of a pure strategy.

    With ``noise``, play() adds Gaussian noise to the returns, clipped to the payoff bounds.
    """

    def __init__(self, tensor, *, symmetric, exact=True, noise=0.0, start=0):
        self.tensor = np.asarray(tensor, dtype=float)
        if self.tensor.ndim == 2:
            self.tensor = np.stack([self.tensor, self.tensor.T])
        self.num_players = len(self.tensor)
        self.is_symmetric = symmetric
        self.is_exact = exact
        self.noise = noise
        self.start = start
        total = self.tensor.sum(axis=0)
        self.is_zero_sum = bool(np.ptp(total) == 0.0) and noise == 0.0
        self.payoff_bounds = (self.tensor.min() - 3 * noise, self.tensor.max() + 3 * noise)
        self.name = f"table(noise={noise})"
        self.played = 0

    def initial_policies(self):
        return [self.start] * (1 if self.is_symmetric else self.num_players)

    def expected_returns(self, profiles):
        return np.array([self.tensor[(slice(None), *profile)] for profile in profiles])

    def play(self, profiles, episodes, *, rng):
        self.played += len(profiles) * episodes
        means = self.expected_returns(profiles)[:, None, :]
        noise = rng.normal(scale=self.noise, size=(len(profiles), episodes, self.num_players))
        return np.clip(means + noise, *self.payoff_bounds)

    def save_policy(self, policy, directory: Path):
        (directory / "policy.json").write_text(json.dumps(policy))

    def load_policy(self, directory: Path):
        return json.loads((directory / "policy.json").read_text())


class TableOracle:
    """Exact best responses in a `TableGame`; the lowest index wins ties."""

    name = "table"

    def best_response(self, game, player, opponents, *, rng):
        values = np.zeros(game.tensor.shape[1 + player])
        if isinstance(opponents, JointMixture):
            weighted = zip(opponents.profiles, opponents.weights, strict=True)
        else:
            picks = [range(len(m.policies)) for m in opponents]
            weighted = [
                (
                    tuple(m.policies[i] for m, i in zip(opponents, index, strict=True)),
                    float(np.prod([m.weights[i] for m, i in zip(opponents, index, strict=True)])),
                )
                for index in np.ndindex(*(len(p) for p in picks))
            ]
        for profile, weight in weighted:
            for own in range(len(values)):
                deviation = [own if p == player else s for p, s in enumerate(profile)]
                values[own] += weight * game.tensor[(player, *deviation)]
        best = int(np.argmax(values > values.max() - 1e-12))
        return Response(best, value=float(values[best]), cost={"player": player})

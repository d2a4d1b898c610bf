"""Solve Gen 1 endgames exactly and print them as a Markdown table.

python examples/solve_endgames.py                      # all of endgames.POSITIONS
python examples/solve_endgames.py --names tauros-boom  # some
python examples/solve_endgames.py --battles 4000       # and play them out on the engine
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import tyro

from pokespiel.gen1ou import endgames
from pokespiel.gen1ou.endgames import Solution, Standing


@dataclass
class Settings:
    """What to solve."""

    names: tuple[str, ...] = ()
    """Positions by name; all of them if none is given."""
    battles: int = 0
    """Battles to play out on the compiled engine with the solved strategies."""
    seed: int = 0
    """Of the battles."""


def side(team: tuple[Standing, ...]) -> str:
    """A side in words."""
    words = []
    for p in team:
        state = f" {p.hp}" if p.hp else ""
        state += f" {p.status}" if p.status else ""
        state += f" (slept {p.slept})" if p.status == "slp" else ""
        words.append(f"{p.species}{state}: {', '.join(p.moves)}")
    return "; ".join(words)


def mix(solution: Solution, player: int) -> str:
    """An optimal mixture, without what is never played."""
    parts = sorted(solution.mix(player).items(), key=lambda item: -item[1])
    return ", ".join(f"{name} {p:.3f}" if p < 0.9995 else name for name, p in parts if p > 0.0005)


def main(settings: Settings) -> None:
    """Print the table."""
    unknown = [name for name in settings.names if name not in endgames.POSITIONS]
    if unknown:
        known = ", ".join(endgames.POSITIONS)
        raise SystemExit(f"no position is called {unknown[0]!r}; expected some of {known}")
    print("| position | player 1 | player 2 | value | player 1 plays | player 2 plays | states |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    rng = np.random.default_rng(settings.seed)
    notes = []
    for name in settings.names or endgames.POSITIONS:
        began = time.process_time()
        position = endgames.POSITIONS[name]
        solution = endgames.solve(position)
        seconds = time.process_time() - began
        cells = [
            name,
            side(position.first),
            side(position.second),
            f"{solution.value:.5f}",
            mix(solution, 0),
            mix(solution, 1),
            f"{solution.endgame.size:,}",
        ]
        print(f"| {' | '.join(cells)} |", flush=True)
        low, high = solution.bounds
        note = f"{name}: between {low:.9f} and {high:.9f}, {seconds:.1f} s of CPU"
        if settings.battles:
            returns = endgames.play(solution.endgame, solution.strategies, settings.battles, rng)
            error = returns.std() / np.sqrt(len(returns))
            note += f"; {settings.battles} battles won {returns.mean():.4f} +- {1.96 * error:.4f}"
        notes.append(note)
    print("\n" + "\n".join(notes))


if __name__ == "__main__":
    main(tyro.cli(Settings))

"""The engine's protocol log of a recorded battle, to set beside the simulator's."""

from collections.abc import Iterable, Iterator, Sequence

from ..battle import Battle
from ..teams import Team

# Lines without information about the game: the clock, hints and the list of rules.
COSMETIC = ("|t:|", "|-hint|", "|rule|")


def engine_log(teams: Sequence[Team], seed: int, actions: Iterable[Sequence[int]]) -> list[str]:
    """What the engine writes while playing the given actions, the first for the beginning."""
    team_1, team_2 = teams
    battle = Battle(team_1, team_2, seed, rules=None)
    for action_1, action_2 in list(actions)[1:]:
        battle.act(int(action_1), int(action_2))
    return battle.split_log()


def informative(log: Iterable[str]) -> list[str]:
    """The simulator's log without its cosmetic lines."""
    return list(_informative(iter(log)))


def _informative(lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        if line.startswith("|split|"):
            private, public = next(lines), next(lines)
            if not private.startswith(COSMETIC):
                yield from (line, private, public)
        elif not line.startswith(COSMETIC):
            yield line

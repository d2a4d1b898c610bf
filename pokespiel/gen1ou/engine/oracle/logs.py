"""The engine's protocol log of a recorded battle, to set beside the simulator's."""

from collections.abc import Iterator

from ..battle import Battle
from .replay import Recording

# Lines without information about the game: the clock, hints and the list of rules.
COSMETIC = ("|t:|", "|-hint|", "|rule|")


def engine_log(recording: Recording) -> list[str]:
    """What the engine writes while playing the recorded choices."""
    battle = Battle(*recording.teams, recording.seed, rules=None)
    for actions in recording.actions[1:]:
        battle.act(int(actions[0]), int(actions[1]))
    return battle.split_log()


def informative(log: str) -> list[str]:
    """The simulator's log without its cosmetic lines."""
    return list(_informative(iter(log.split("\n"))))


def _informative(lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        if line.startswith("|split|"):
            private, public = next(lines), next(lines)
            if not private.startswith(COSMETIC):
                yield from (line, private, public)
        elif not line.startswith(COSMETIC):
            yield line

"""What the rest of this room needs to know about OpenSpiel's games and states."""

from __future__ import annotations

import difflib
from typing import Any

import pyspiel

CHANCE = int(pyspiel.PlayerId.CHANCE)
TERMINAL = int(pyspiel.PlayerId.TERMINAL)
SIMULTANEOUS = int(pyspiel.PlayerId.SIMULTANEOUS)


def load_game(name_or_game: str | Any) -> Any:
    """A pyspiel game from its name (``"leduc_poker"``) or as it is.

    Raises
    ------
    ValueError
        For an unknown name or malformed parameters (OpenSpiel's own words follow), and for
        mean-field games.
    """
    if isinstance(name_or_game, str):
        # Python games register themselves when they are imported.
        if name_or_game.startswith("python_"):
            import open_spiel.python.games  # noqa: F401
        known = pyspiel.registered_names()
        short = name_or_game.partition("(")[0].strip()
        if short not in known:
            near = difflib.get_close_matches(short, known, n=3, cutoff=0.5)
            hint = f"; did you mean {' or '.join(near)}?" if near else ""
            raise ValueError(f"OpenSpiel has no game called {short!r}{hint}")
        try:
            game = pyspiel.load_game(name_or_game)
        except Exception as error:
            reason = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
            raise ValueError(f"OpenSpiel cannot load {name_or_game!r}: {reason[:200]}") from None
    else:
        game = name_or_game
    if not isinstance(game, pyspiel.Game):
        raise ValueError(f"need an OpenSpiel game or its name, got {type(game).__name__}")
    if game.get_type().dynamics == pyspiel.GameType.Dynamics.MEAN_FIELD:
        raise ValueError(f"{game.get_type().short_name} is a mean-field game; it has no profiles")
    return game


def is_simultaneous(game: Any) -> bool:
    """Whether players move at the same time."""
    return bool(game.get_type().dynamics == pyspiel.GameType.Dynamics.SIMULTANEOUS)


def is_sampled(game: Any) -> bool:
    """Whether the game draws its chance events itself, without telling their probabilities."""
    sampled = pyspiel.GameType.ChanceMode.SAMPLED_STOCHASTIC
    return bool(game.get_type().chance_mode == sampled)


def turn_based(game: Any) -> Any:
    """The game itself, or OpenSpiel's turn-based conversion of a simultaneous-move one."""
    return pyspiel.convert_to_turn_based(game) if is_simultaneous(game) else game


def has_bots(game: Any) -> bool:
    """Whether OpenSpiel's own bots can play tables by information state string.

    They cannot move at the same time, and know nothing of the keys that `infostate_key` makes.
    """
    kind = game.get_type()
    plain = kind.short_name != "turn_based_simultaneous_game"
    return bool(plain and kind.provides_information_state_string and not is_simultaneous(game))


def infostate_kind(game: Any) -> str:
    """How a turn-based game tells a player what it knows: ``"string"`` or ``"history"``.

    Raises
    ------
    ValueError
        If the game has no information state strings and its history is not public either.
    """
    kind = game.get_type()
    if kind.provides_information_state_string or _has_infostates(game):
        return "string"
    original = kind.short_name != "turn_based_simultaneous_game"
    if original and kind.information == pyspiel.GameType.Information.PERFECT_INFORMATION:
        return "history"
    raise ValueError(
        f"{kind.short_name} provides no information state strings, so what its players remember is "
        "unknown; only games with them, or with perfect information and turns, can be used"
    )


def _has_infostates(game: Any) -> bool:
    """Python games answer through an observer, whatever their type says: ask for one."""
    state = game.new_initial_state()
    while state.is_chance_node():
        state.apply_action(state.legal_actions()[0])
    try:
        return not state.is_terminal() and bool(state.information_state_string())
    except Exception:
        # pyspiel raises a bare SpielError for what a game does not implement.
        return False


def infostate_key(state: Any, player: int, kind: str) -> str:
    """What identifies the player's information at a state.

    The turn-based conversion of a simultaneous-move game puts "Current player: p" before the
    original's string; without it, keys (and so policies) are the same in both.
    """
    if kind == "history":
        return str(state.history_str())
    key: str = state.information_state_string(player)
    if key.startswith("Current player: "):
        first, newline, rest = key.partition("\n")
        if newline and first[len("Current player: ") :].lstrip("-").isdigit():
            return rest
    return key


def replay(game: Any, actions: list[int]) -> Any:
    """The state of ``game`` after a turn-based history.

    Simultaneous moves are applied once all of them are known; so if the history ends before the
    last player of a round has moved, this is the state in which that round is about to be played.
    """
    state = game.new_initial_state()
    position = 0
    while position < len(actions):
        if state.current_player() != SIMULTANEOUS:
            state.apply_action(actions[position])
            position += 1
            continue
        movers = [p for p in range(game.num_players()) if state.legal_actions(p)]
        if position + len(movers) > len(actions):
            break
        joint = [0] * game.num_players()
        for offset, player in enumerate(movers):
            joint[player] = actions[position + offset]
        state.apply_actions(joint)
        position += len(movers)
    return state

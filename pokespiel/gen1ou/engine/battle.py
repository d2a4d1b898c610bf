"""One battle, with Showdown's words for choices, for people, debuggers and protocol readers."""

import re
from typing import Any

import numpy as np

from . import layout as at
from .batch import ILLEGAL, begin_all, call, legal_all, lone_all, step_all
from .choices import FIGHT, RECHARGE
from .layout import Row
from .protocol import PLAYERS, Line, Narrator, opening
from .tables import MOVE_IDS, SPECIES_IDS, STATUS_IDS, TYPE_NAMES
from .teams import Team, pack, to_id
from .transcript import RECORDED_ROW

RESULTS = ("ongoing", "player 1 wins", "player 2 wins", "tie")
_VOLATILE_NAMES = {
    value: name.lower()
    for name, value in vars(at).items()
    if name.isupper() and isinstance(value, int) and name in (
        "CONFUSED", "FLINCHED", "MIST", "FOCUS_ENERGY", "LIGHT_SCREEN", "REFLECT",
        "TOXIC_COUNTED", "SUBSTITUTE", "MUST_RECHARGE", "LEECH_SEEDED", "DISABLED", "BIDING",
        "RAGING", "THRASHING", "CHARGING", "UNREACHABLE", "TRAPPING", "TRAPPED",
        "FALSELY_TRAPPED",
    )
}  # fmt: skip


def parse_seed(seed: int | str) -> int:
    """A 64-bit seed from a number or from Showdown's ``a,b,c,d`` or ``gen5,<16 hex digits>``."""
    if isinstance(seed, str):
        if re.fullmatch(r"gen5,[0-9a-fA-F]{16}", seed):
            return int(seed[5:], 16)
        words = [int(word) for word in seed.split(",") if re.fullmatch(r"[0-9]{1,5}", word)]
        if len(words) == 1 + seed.count(",") == 4 and max(words) < 2**16:
            return sum(word << shift for word, shift in zip(words, (48, 32, 16, 0), strict=True))
    elif isinstance(seed, int | np.integer) and 0 <= seed < 2**64:
        return int(seed)
    raise ValueError(
        f"seed {seed!r}: expected 0 to 2**64 - 1, four 16-bit words 'a,b,c,d' or 'gen5,<16 hex>'"
    )


class Battle:
    """A Gen 1 OU battle.

    Parameters
    ----------
    team1, team2
        See `pokespiel.gen1ou.engine.pack`.
    seed
        A 64-bit number or Showdown's seed string (``"a,b,c,d"`` or ``"gen5,<hex>"``).
    players
        Names for the log.
    rules
        ``"gen1ou"`` to insist on legal teams, ``None`` for any.
    """

    def __init__(
        self,
        team1: Team,
        team2: Team,
        seed: int | str = 0,
        *,
        players: tuple[str, str] = PLAYERS,
        rules: str | None = "gen1ou",
    ) -> None:
        teams = np.stack([pack(team1, rules=rules), pack(team2, rules=rules)])[None]
        self._rows = np.zeros((1, RECORDED_ROW), np.int32)
        self._players = players
        self._narrator = Narrator(players)
        call(begin_all, self._rows, teams, np.array([parse_seed(seed)], np.uint64))
        self._lines: list[Line] = opening(self.row, players)
        self._narrator.narrate(self.row, self._lines)

    @property
    def row(self) -> Row:
        """The battle's row of numbers, shape ``(RECORDED_ROW,)``; see `layout`."""
        row: Row = self._rows[0]
        return row

    @property
    def turn(self) -> int:
        return int(self.row[at.TURN])

    @property
    def result(self) -> str:
        """``"ongoing"``, ``"player 1 wins"``, ``"player 2 wins"`` or ``"tie"``."""
        return RESULTS[self.row[at.RESULT]]

    def legal(self) -> tuple[list[str], list[str]]:
        """Both players' choices in Showdown's words; empty for a player with nothing to decide."""
        return self._choices(0)[0], self._choices(1)[0]

    def _choices(self, s: int) -> tuple[list[str], dict[str, int]]:
        """Player ``s``'s choices, and every word accepted for them with its action."""
        legal = np.zeros((1, 2, 10), np.bool_)
        lone = np.zeros((1, 2, 2), np.int32)
        call(legal_all, self._rows, legal)
        call(lone_all, self._rows, lone)
        actions = [int(a) for a in np.flatnonzero(legal[0, s])]
        o = s * at.SIDE
        row = self.row
        names = []
        accepted: dict[str, int] = {}
        alone = lone[0, s, 0] >= 0
        for action in actions:
            if action < 4:
                number = int(lone[0, s, 1] if alone else row[o + at.ACTIVE_MOVES + action])
                move = {RECHARGE: "recharge", FIGHT: "fight"}.get(number) or MOVE_IDS[number]
                words = [f"move {move if alone else action + 1}", f"move {move}"]
                words.append(f"move {1 if alone else action + 1}")
            else:
                order = row[o + at.ORDER : o + at.ORDER + 6].tolist()
                species = SPECIES_IDS[row[o + (action - 4) * at.POKEMON + at.SPECIES]]
                words = [f"switch {order.index(action - 4) + 1}", f"switch {species}"]
            names.append(words[0])
            for word in words:
                accepted.setdefault(word, action)
        return names, accepted

    def choose(self, choice1: str | None, choice2: str | None) -> str:
        """Play both players' choices up to the next decision; returns `result`.

        Parameters
        ----------
        choice1, choice2
            One of `legal`'s words, a move or species by name (``"move bodyslam"``,
            ``"switch tauros"``), or None for a player with nothing to decide.

        Raises
        ------
        ValueError
            If a choice is not legal; the battle is unchanged.
        """
        if self.row[at.RESULT]:
            raise ValueError(f"the battle is over: {self.result}")
        return self.act(self._action(0, choice1), self._action(1, choice2))

    def act(self, action1: int, action2: int) -> str:
        """`choose` by the numbers of `Battles.legal`: 0-3 moves, 4-9 switches, -1 to pass.

        Raises
        ------
        ValueError
            If an action is not legal; the battle is unchanged.
        """
        results = np.zeros(1, np.int32)
        call(step_all, self._rows, np.array([[action1, action2]], np.int32), results)
        if results[0] == ILLEGAL:
            raise ValueError(f"illegal actions {action1} and {action2}: see legal()")
        self._narrator.narrate(self.row, self._lines)
        return self.result

    def _action(self, s: int, choice: str | None) -> int:
        names, accepted = self._choices(s)
        if not names and not choice:
            return -1
        text = choice if isinstance(choice, str) else ""
        verb, _, rest = text.strip().partition(" ")
        action = accepted.get(f"{verb} {to_id(rest)}")
        if action is None:
            expected = ", ".join(names) or "None: nothing to decide"
            raise ValueError(f"player {s + 1} cannot choose {choice!r}: expected {expected}")
        return action

    def clone(self) -> "Battle":
        """An independent copy, log included."""
        other = Battle.__new__(Battle)
        other._rows = self._rows.copy()
        other._players = self._players
        other._narrator = self._narrator.clone()
        other._lines = list(self._lines)
        return other

    def log(self, player: int | None = None) -> list[str]:
        """The battle so far in Showdown's protocol.

        Parameters
        ----------
        player
            0 or 1 for what that player sees; None for everything, with exact hp of both.
        """
        return [
            line.exact if player is None or line.owner in (-1, player) else line.shared
            for line in self._lines
        ]

    def split_log(self) -> list[str]:
        """The log with hp lines in both versions after ``|split|``, as the simulator keeps it."""
        found = []
        for line in self._lines:
            if line.owner >= 0:
                found += [f"|split|p{line.owner + 1}", line.exact, line.shared]
            else:
                found.append(line.exact)
        return found

    def state(self) -> dict[str, Any]:
        """Everything about the battle, hidden information included, as plain Python values."""
        row = self.row
        seed = (int(row[at.PRNG_HIGH]) & 0xFFFFFFFF) << 32 | (int(row[at.PRNG_LOW]) & 0xFFFFFFFF)
        return {
            "turn": self.turn,
            "result": self.result,
            "seed": ",".join(str(seed >> shift & 0xFFFF) for shift in (48, 32, 16, 0)),
            "last_damage": int(row[at.LAST_DAMAGE]),
            "sides": [_side(row[s * at.SIDE : (s + 1) * at.SIDE]) for s in range(2)],
        }


def _moves(numbers: Row, pp: Row) -> list[dict[str, Any]]:
    return [{"id": MOVE_IDS[n], "pp": int(left)} for n, left in zip(numbers, pp, strict=True) if n]


def _side(side: Row) -> dict[str, Any]:
    active = int(side[at.ORDER])
    stats = ("atk", "def", "spe", "spc")
    boosts = (*stats, "accuracy", "evasion")
    members = [side[k * at.POKEMON : (k + 1) * at.POKEMON] for k in range(6)]
    return {
        "request": ("wait", "move", "switch")[side[at.REQUEST]],
        "active": active,
        "order": [int(k) for k in side[at.ORDER : at.ORDER + 6]],
        "stats": dict(zip(stats, side[at.STAT : at.STAT + 4].tolist(), strict=True)),
        "boosts": dict(zip(boosts, side[at.BOOST : at.BOOST + 6].tolist(), strict=True)),
        "types": sorted({TYPE_NAMES[k] for k in side[at.ACTIVE_TYPES : at.ACTIVE_TYPES + 2]}),
        "moves": _moves(
            side[at.ACTIVE_MOVES : at.ACTIVE_MOVES + 4], side[at.ACTIVE_PP : at.ACTIVE_PP + 4]
        ),
        "volatiles": [n for bit, n in _VOLATILE_NAMES.items() if side[at.VOLATILES] & bit],
        "substitute_hp": int(side[at.SUBSTITUTE_HP]) if side[at.VOLATILES] & at.SUBSTITUTE else 0,
        "team": [
            {
                "species": SPECIES_IDS[m[at.SPECIES]],
                "level": int(m[at.LEVEL]),
                "hp": int(m[at.HP]),
                "max_hp": int(m[at.MAX_HP]),
                "status": STATUS_IDS[m[at.STATUS]],
                "sleep_turns": int(m[at.SLEEP_TURNS]) if m[at.STATUS] == at.ASLEEP else 0,
                "moves": _moves(m[at.MOVES : at.MOVES + 4], m[at.PP : at.PP + 4]),
            }
            for m in members
            if m[at.SPECIES]
        ],
    }

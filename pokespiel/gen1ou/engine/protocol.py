"""A transcript as the lines of Showdown's battle protocol."""

from dataclasses import dataclass

from . import layout as at
from . import transcript as tell
from .layout import Row
from .tables import MOVE_NAMES, SPECIES_NAMES, STATUS_IDS, TARGETS_USER, TYPE_NAMES

PLAYERS = ("A", "B")
_VOLATILES = {
    at.CONFUSED: "confusion",
    at.MIST: "Mist",
    at.FOCUS_ENERGY: "move: Focus Energy",
    at.LIGHT_SCREEN: "Light Screen",
    at.REFLECT: "Reflect",
    at.SUBSTITUTE: "Substitute",
    at.LEECH_SEEDED: "move: Leech Seed",
    at.BIDING: "Bide",
    at.DISABLED: "Disable",
    at.TOXIC_COUNTED: "Toxic counter",
}
_ACTIVATIONS = {
    0: "move: Haze",
    at.CONFUSED: "confusion",
    at.BIDING: "Bide",
    at.MIST: "move: Mist",
}
_REASONS = {
    at.MUST_RECHARGE: "recharge",
    at.TRAPPED: "partiallytrapped",
    at.FLINCHED: "flinch",
    -at.FROZEN: "frz",
    -at.ASLEEP: "slp",
    -at.PARALYZED: "par",
}
_CAUSES = {
    -at.CONFUSED: "confusion",
    -at.LEECH_SEEDED: "Leech Seed",
    at.BURNED: "brn",
    at.POISONED: "psn",
    at.BADLY_POISONED: "psn",
}
_STATS = (("atk",), ("def",), ("spe",), ("spa", "spd"), ("accuracy",), ("evasion",))
_PLAIN = {
    tell.FAIL: "-fail|{me}",
    tell.FAIL_STATUS: "-fail|{me}|{status}",
    tell.FAIL_SUBSTITUTE: "-fail|{me}|move: Substitute",
    tell.FAIL_WEAK_SUBSTITUTE: "-fail|{me}|move: Substitute|[weak]",
    tell.IMMUNE: "-immune|{me}",
    tell.IMMUNE_TO_KO: "-immune|{me}|[ohko]",
    tell.CRITICAL: "-crit|{me}",
    tell.SUPER_EFFECTIVE: "-supereffective|{me}",
    tell.RESISTED: "-resisted|{me}",
    tell.GET_STATUS_SILENT: "-status|{me}|{status}|[silent]",
    tell.SUBSTITUTE_TAKES: "-activate|{me}|Substitute|[damage]",
    tell.RECHARGE: "-mustrecharge|{me}",
    tell.HIT_COUNT: "-hitcount|{me}|{x}",
    tell.FAINT: "faint|{me}",
    tell.UPKEEP: "upkeep",
    tell.SPACE: "",
    tell.MESSAGE_SLEEP_CLAUSE: "-message|Sleep Clause Mod activated.",
    tell.MESSAGE_FREEZE_CLAUSE: "-message|Freeze Clause activated.",
    tell.MESSAGE_UNREACHABLE: "-message|The foe {name} can't be hit while invulnerable!",
    tell.MESSAGE_ENDLESS: (
        "-message|This battle cannot progress. Endless Battle Clause activated!"
    ),
    tell.MESSAGE_TURN_LIMIT: "message|It is turn 1000. You have hit the turn limit!",
    tell.TRANSFORM: "-transform|{me}|{foe}",
    tell.ONE_HIT_KO: "-ohko",
    tell.NOTHING: "-nothing",
    tell.PAY_DAY: "-fieldactivate|move: Pay Day",
    tell.CLEAR_ALL: "-clearallboost|[silent]",
}
_WITH_HEALTH = {
    tell.DAMAGE: "-damage|{me}|{hp}",
    tell.DAMAGE_FROM: "-damage|{me}|{hp}|[from] {cause}",
    tell.DAMAGE_OF: "-damage|{me}|{hp}|[from] {cause}|[of] {foe}",
    tell.DAMAGE_BY_RECOIL: "-damage|{me}|{hp}|[from] Recoil",
    tell.HEAL: "-heal|{me}|{hp}",
    tell.HEAL_SILENT: "-heal|{me}|{hp}|[silent]",
    tell.HEAL_DRAIN: "-heal|{me}|{hp}|[from] drain|[of] {foe}",
    tell.SWITCH: "switch|{me}|{details}|{hp}",
}
_WITH_MOVE = {
    tell.CANNOT_DISABLED: "cant|{me}|Disable|{move}",
    tell.PREPARE: "-prepare|{me}|{move}",
    tell.MIMIC: "-start|{me}|Mimic|{move}",
    tell.DISABLE: "-start|{me}|Disable|{move}",
    tell.FREE_FROM_TRAP: "-end|{me}|{move}|[partiallytrapped]|[silent]",
}


@dataclass(frozen=True)
class Line:
    """A protocol line; where it shows hp, only ``owner`` sees the exact numbers."""

    exact: str
    shared: str
    owner: int = -1


def _health(hp: int, max_hp: int, status: int) -> tuple[str, str]:
    if hp == 0:
        return "0 fnt", "0 fnt"
    suffix = f" {STATUS_IDS[status]}" if status else ""
    percent = -(-100 * hp // max_hp)
    if percent == 100 and hp < max_hp:
        percent = 99
    return f"{hp}/{max_hp}{suffix}", f"{percent}/100{suffix}"


def opening(row: Row, players: tuple[str, str] = PLAYERS) -> list[Line]:
    """The lines before the first switch."""
    lines = ["|gametype|singles"]
    lines += [f"|player|p{s + 1}|{name}||" for s, name in enumerate(players)]
    lines += ["|gen|1", "|tier|[Gen 1] OU", "|"]
    for s in range(2):
        size = sum(row[s * at.SIDE + k * at.POKEMON + at.SPECIES] > 0 for k in range(6))
        lines.append(f"|teamsize|p{s + 1}|{size}")
    return [Line(line, line) for line in [*lines, "|start"]]


class Narrator:
    """Renders transcripts step by step; remembers the last ``|move|`` line, which may grow."""

    def __init__(self, players: tuple[str, str] = PLAYERS) -> None:
        self._players = players
        self._last_move = -1

    def clone(self) -> "Narrator":
        other = Narrator(self._players)
        other._last_move = self._last_move
        return other

    def narrate(self, row: Row, lines: list[Line]) -> None:
        """Append the lines of the last step's transcript."""
        for n in range(row[tell.NOTES]):
            start = tell.FIRST_NOTE + n * tell.NOTE
            self._one(row, [int(x) for x in row[start : start + tell.NOTE]], lines)

    def _one(self, row: Row, note: list[int], lines: list[Line]) -> None:
        kind, s, mine, other, hp, status, x, y = note
        member = s * at.SIDE + mine * at.POKEMON
        rival = (1 - s) * at.SIDE + other * at.POKEMON
        name = SPECIES_NAMES[row[member + at.SPECIES]]
        level = int(row[member + at.LEVEL])
        words = {
            "me": f"p{s + 1}a: {name}",
            "foe": f"p{2 - s}a: {SPECIES_NAMES[row[rival + at.SPECIES]]}",
            "name": name,
            "details": name if level == 100 else f"{name}, L{level}",
            "status": STATUS_IDS[status],
            "cause": _CAUSES.get(x, ""),
            "x": str(x),
        }
        if kind in _WITH_HEALTH:
            exact, shared = _health(hp, int(row[member + at.MAX_HP]), status)
            template = "|" + _WITH_HEALTH[kind]
            lines.append(
                Line(template.format(hp=exact, **words), template.format(hp=shared, **words), s)
            )
            return
        if kind in (tell.MISSED, tell.STILL):
            self._amend(lines, "[miss]" if kind == tell.MISSED else "[still]")
            if kind == tell.STILL:
                return
        if kind == tell.MOVE:
            self._last_move = len(lines)
        for text in _texts(kind, words, x, y, self._players):
            lines.append(Line("|" + text, "|" + text))

    def _amend(self, lines: list[Line], attribute: str) -> None:
        parts = lines[self._last_move].exact.split("|")
        if attribute == "[still]":
            parts[4] = ""
        text = "|".join([*parts, attribute])
        lines[self._last_move] = Line(text, text)


def _texts(kind: int, words: dict[str, str], x: int, y: int, players: tuple[str, str]) -> list[str]:
    """What follows the first ``|`` of each line of a note."""
    me = words["me"]
    if kind in _PLAIN:
        return [_PLAIN[kind].format(**words)]
    if kind in _WITH_MOVE:
        return [_WITH_MOVE[kind].format(move=MOVE_NAMES[x], **words)]
    if kind == tell.MOVE:
        target = me if TARGETS_USER[x] else words["foe"]
        source = f"|[from] {MOVE_NAMES[y]}" if y else ""
        return [f"move|{me}|{MOVE_NAMES[x]}|{target}{source}"]
    if kind == tell.MISSED:
        return [f"-miss|{me}"]
    if kind == tell.GET_STATUS:
        asleep = words["status"] == "slp" and x > 0
        source = f"|[from] move: {MOVE_NAMES[x]}" if asleep else ""
        return [f"-status|{me}|{words['status']}{source}"]
    if kind in (tell.CURE, tell.CURE_SILENT):
        return [f"-curestatus|{me}|{STATUS_IDS[x]}|{'[msg]' if kind == tell.CURE else '[silent]'}"]
    if kind == tell.CANNOT:
        return [f"cant|{me}|{_REASONS[x]}"]
    if kind in (tell.START, tell.START_SILENT, tell.END, tell.END_SILENT):
        verb = "-start" if kind in (tell.START, tell.START_SILENT) else "-end"
        silent = "|[silent]" if kind in (tell.START_SILENT, tell.END_SILENT) else ""
        return [f"{verb}|{me}|{_VOLATILES[x]}{silent}"]
    if kind == tell.ACTIVATE:
        return [f"-activate|{me}|{_ACTIVATIONS[x]}"]
    if kind in (tell.RAISE, tell.LOWER, tell.RAISE_BY_RAGE):
        return _boosts(kind, me, x, y)
    if kind == tell.CONVERT:
        first, second = TYPE_NAMES[x // 16], TYPE_NAMES[x % 16]
        types = first if first == second else f"{first}/{second}"
        return [f"-start|{me}|typechange|{types}|[from] move: Conversion|[of] {words['foe']}"]
    if kind == tell.TURN:
        return [*_warning(x), f"turn|{x}"]
    if kind == tell.WIN:
        return ["", f"win|{players[0 if me.startswith('p1') else 1]}"]
    if kind == tell.TIE:
        return ["", "tie"]
    raise ValueError(f"unknown kind of note {kind}")


def _boosts(kind: int, me: str, stat: int, amount: int) -> list[str]:
    bounced = amount >= tell.BOUNCED
    amount %= tell.BOUNCED
    verb, back = ("-unboost", "-boost") if kind == tell.LOWER else ("-boost", "-unboost")
    cause = "|[from] Rage" if kind == tell.RAISE_BY_RAGE else ""
    texts = []
    for name in _STATS[stat]:
        texts.append(f"{verb}|{me}|{name}|{amount}{cause}")
        if bounced:
            texts.append(f"{back}|{me}|{name}|1")
    return texts


def _warning(turn: int) -> list[str]:
    if (turn >= 500 and turn % 100 == 0) or (turn >= 900 and turn % 10 == 0) or turn >= 990:
        left = 1000 - turn
        turns = "1 turn" if left == 1 else f"{left} turns"
        return [f"bigerror|You will auto-tie if the battle doesn't end in {turns} (on turn 1000)."]
    return []

"""Gen 1 OU battles as an OpenSpiel game, ``gen1ou``.

Importing this module registers it::

    import pyspiel
    import pokespiel.gen1ou.game

    game = pyspiel.load_game("gen1ou(team_size=1)")

Both players choose at the same time. Chance is explicit: first which teams are played, then two
nodes before the battle and after every pair of choices, each of 256 equally likely outcomes, which
together reseed the engine's generator (`reseeded`). A clone of a state therefore knows nothing of
the future, and a state is replayed by its history.

===============  ======================================================================
parameter        meaning
===============  ======================================================================
``teams``        names of teams that come with PokéSpiel, joined by ``+``, or the path of
                 a text file of teams in Showdown's packed form, one a line; by default
                 all that come with PokéSpiel. Each is drawn with the same probability.
``teams_2``      the same for player 1 (the second), by default as ``teams``
``team_size``    1 to 6: how many of each team's Pokémon, from the first, are played
``max_turns``    1 to 1000: after that many the battle is a tie
===============  ======================================================================

Actions are those of `pokespiel.gen1ou.actions` (0 to 3 moves, 4 to 9 switches), and `PASS` for a
player with nothing to decide. Returns are 1 for the winner and -1 for the loser.

Information state strings hold what Showdown would have shown that player (the battle log with the
opponent's hp in percent), its own team, its choices and what it may choose now; there are no
information state tensors, because one of fixed size would have to hold a thousand turns.
Observation tensors are the arrays of `pokespiel.gen1ou.observation` one after the other, then the
legal actions. OpenSpiel's turn-based conversion works; as with all its Python games, the converted
game offers strings and tensors with the wrapper's own header, and no `make_py_observer`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyspiel
from numpy.typing import NDArray

from pokespiel.gen1ou import observation as obs
from pokespiel.gen1ou.engine import Battle, PokemonSet
from pokespiel.gen1ou.engine import layout as at
from pokespiel.gen1ou.engine.batch import call, legal_all
from pokespiel.gen1ou.engine.tables import MOVE_NAMES, SPECIES_NAMES, STATUS_IDS
from pokespiel.gen1ou.teams import legal_sets, load_exports, pack

NAME = "gen1ou"
PASS = 10
NUM_ACTIONS = 11
SEED_OUTCOMES = 256
SEEDS_PER_STEP = 2
_LAST_TURN = 1000
_DEFAULTS: dict[str, Any] = {"teams": "", "teams_2": "", "team_size": 6, "max_turns": _LAST_TURN}
_SEEDS = [(k, 1.0 / SEED_OUTCOMES) for k in range(SEED_OUTCOMES)]
_RETURNS = {at.PLAYER_1_WINS: [1.0, -1.0], at.PLAYER_2_WINS: [-1.0, 1.0]}

_TYPE = pyspiel.GameType(
    short_name=NAME,
    long_name="Pokémon Gen 1 OU",
    dynamics=pyspiel.GameType.Dynamics.SIMULTANEOUS,
    chance_mode=pyspiel.GameType.ChanceMode.EXPLICIT_STOCHASTIC,
    information=pyspiel.GameType.Information.IMPERFECT_INFORMATION,
    utility=pyspiel.GameType.Utility.ZERO_SUM,
    reward_model=pyspiel.GameType.RewardModel.TERMINAL,
    max_num_players=2,
    min_num_players=2,
    provides_information_state_string=True,
    provides_information_state_tensor=False,
    provides_observation_string=True,
    provides_observation_tensor=True,
    parameter_specification=_DEFAULTS,
)


def reseeded(generator: int, outcomes: tuple[int, int]) -> int:
    """The engine's generator for the next step, from its last state and two chance outcomes.

    Parameters
    ----------
    generator
        The 64-bit state the last step left, 0 before the battle.
    outcomes
        Two numbers below 256.
    """
    # Splitmix64 (Steele et al. 2014) spreads the sixteen bits over the whole state.
    word = 2**64 - 1
    z = (generator + 0x9E3779B97F4A7C15 * (1 + outcomes[0] + SEED_OUTCOMES * outcomes[1])) & word
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & word
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & word
    return z ^ (z >> 31)


def generator_of(row: NDArray[np.int32]) -> int:
    """The state of a battle's generator."""
    return (int(row[at.PRNG_HIGH]) & 0xFFFFFFFF) << 32 | (int(row[at.PRNG_LOW]) & 0xFFFFFFFF)


def set_generator(row: NDArray[np.int32], generator: int) -> None:
    """Reseed a battle in place."""
    words = np.array([generator >> 32, generator & 0xFFFFFFFF], np.uint32)
    row[[at.PRNG_HIGH, at.PRNG_LOW]] = words.view(np.int32)


@dataclass(frozen=True)
class NamedTeam:
    """A team as the game's chance node knows it."""

    name: str
    sets: tuple[PokemonSet, ...]


def _teams(wanted: str, size: int) -> list[NamedTeam]:
    if wanted.endswith(".txt"):
        path = Path(wanted)
        if not path.is_file():
            raise ValueError(f"gen1ou: no file of teams at {wanted!r}")
        lines = [line.strip() for line in path.read_text("utf-8").splitlines() if line.strip()]
        packed = {f"{path.stem} {k + 1}": line for k, line in enumerate(lines)}
        if not packed:
            raise ValueError(
                f"gen1ou: {wanted!r} holds no teams; expected packed teams, one a line"
            )
    else:
        library = load_exports()
        names = [name.strip() for name in wanted.split("+")] if wanted else list(library)
        unknown = [name for name in names if name not in library]
        if unknown:
            raise ValueError(
                f"gen1ou: no team is called {unknown[0]!r}; expected names joined by '+' out of"
                f" those of teams.load_exports() ({', '.join(_names_near(unknown[0], library))},"
                " ...), or the path of a .txt file"
            )
        packed = {name: pack(library[name]) for name in names}
    teams = []
    for name, text in packed.items():
        sets = legal_sets(text, source=f"gen1ou: team {name}")
        if len(sets) < size:
            raise ValueError(f"gen1ou: team {name} has {len(sets)} Pokémon, team_size is {size}")
        teams.append(NamedTeam(name, tuple(sets[:size])))
    return teams


def _names_near(name: str, known: Iterable[str]) -> list[str]:
    """The three of some names that are most like another."""
    return difflib.get_close_matches(name, list(known), n=3, cutoff=0.0)


def _check_range(name: str, value: int, highest: int) -> int:
    if not 1 <= value <= highest:
        raise ValueError(f"gen1ou: {name} is {value}, expected 1 to {highest}")
    return value


class Gen1OUGame(pyspiel.Game):  # type: ignore[misc]
    """Gen 1 OU for OpenSpiel; see the module's text. Usually made by ``pyspiel.load_game``.

    Raises
    ------
    ValueError
        For a parameter out of its range, an unknown team, or a team that is not legal.
    """

    def __init__(self, params: Mapping[str, Any] | None = None) -> None:
        settings = {**_DEFAULTS, **(params or {})}
        self.team_size = _check_range("team_size", settings["team_size"], 6)
        self.max_turns = _check_range("max_turns", settings["max_turns"], _LAST_TURN)
        first = _teams(settings["teams"], self.team_size)
        second = _teams(settings["teams_2"], self.team_size) if settings["teams_2"] else first
        self.teams = (first, second)
        for team in first + second:
            Battle(team.sets, team.sets)
        # Every turn asks both once; every faint but the last may ask once more.
        rounds = self.max_turns + 2 * self.team_size
        info = pyspiel.GameInfo(
            num_distinct_actions=NUM_ACTIONS,
            max_chance_outcomes=max(SEED_OUTCOMES, len(first), len(second)),
            num_players=2,
            min_utility=-1.0,
            max_utility=1.0,
            utility_sum=0.0,
            max_game_length=rounds,
        )
        super().__init__(_TYPE, info, dict(params or {}))
        self._rounds = rounds

    def new_initial_state(self) -> Gen1OUState:
        """Before the teams are drawn."""
        return Gen1OUState(self)

    def max_chance_nodes_in_history(self) -> int:
        """Two for the teams, then two a round."""
        return 2 + SEEDS_PER_STEP * (self._rounds + 1)

    def make_py_observer(
        self, iig_obs_type: Any = None, params: Mapping[str, Any] | None = None
    ) -> Gen1OUObserver:
        """An observer, of information states if perfect recall is asked for."""
        return Gen1OUObserver(iig_obs_type or pyspiel.IIGObservationType(perfect_recall=False))


@dataclass
class _Progress:
    """A battle under way. Copies share what never changes, which the log mostly is."""

    battle: Battle
    known: NDArray[np.int16]
    views: tuple[list[str], list[str]]
    told: int = 0

    def __deepcopy__(self, memo: dict[int, Any]) -> _Progress:
        views = (list(self.views[0]), list(self.views[1]))
        return _Progress(self.battle.clone(), self.known.copy(), views, self.told)


class Gen1OUState(pyspiel.State):  # type: ignore[misc]
    """A state of ``gen1ou``."""

    def __init__(self, game: Gen1OUGame) -> None:
        super().__init__(game)
        self._drawn: list[int] = []
        self._seeds: list[int] = []
        self._choices: tuple[int, int] | None = None
        self._progress: _Progress | None = None
        self._legal: list[list[int]] = [[], []]
        self._is_chance = True
        self._returns: list[float] | None = None

    # --- OpenSpiel's methods ---

    def current_player(self) -> int:
        """Whose turn it is: chance, both, or nobody's."""
        if self._returns is not None:
            return int(pyspiel.PlayerId.TERMINAL)
        return int(pyspiel.PlayerId.CHANCE if self._is_chance else pyspiel.PlayerId.SIMULTANEOUS)

    def chance_outcomes(self) -> list[tuple[int, float]]:
        """Which team, or 256 seeds."""
        if len(self._drawn) < 2:
            count = len(self.get_game().teams[len(self._drawn)])
            return [(k, 1.0 / count) for k in range(count)]
        return _SEEDS

    def _legal_actions(self, player: int) -> list[int]:
        return self._legal[player]

    def _apply_action(self, action: int) -> None:
        if len(self._drawn) < 2:
            self._drawn.append(action)
            return
        self._seeds.append(action)
        if len(self._seeds) == SEEDS_PER_STEP:
            outcomes = (self._seeds[0], self._seeds[1])
            self._seeds = []
            if self._progress is None:
                self._begin(outcomes)
            else:
                self._step(self._progress, outcomes)

    def _apply_actions(self, actions: list[int]) -> None:
        assert self._progress is not None
        self._choices = (int(actions[0]), int(actions[1]))
        for player, action in enumerate(self._choices):
            if action != PASS:
                name = self._action_to_string(player, action)
                self._progress.views[player].append(f"(you choose {name})")
        self._is_chance = True

    def _action_to_string(self, player: int, action: int) -> str:
        if player == pyspiel.PlayerId.CHANCE:
            if len(self._drawn) < 2:
                return f"team {self.get_game().teams[len(self._drawn)][action].name}"
            return f"seed {action}"
        if action == PASS:
            return "pass"
        if self._progress is not None and action in self._legal[player]:
            return _words(self._progress.battle.row, player, action)
        return f"move {action + 1}" if action < 4 else f"switch {action - 3}"

    def is_terminal(self) -> bool:
        """Whether the battle is over."""
        return self._returns is not None

    def returns(self) -> list[float]:
        """1 for the winner, -1 for the loser, 0 for a tie and before the end."""
        return list(self._returns or (0.0, 0.0))

    def __str__(self) -> str:
        """The whole state, hidden information included, for people."""
        if self._progress is None:
            return f"teams drawn: {self._drawn}, seeds: {self._seeds}"
        row = self._progress.battle.row
        lines = [f"turn {row[at.TURN]}, generator {generator_of(row):016x}"]
        if self._is_chance and self._choices is not None:
            lines.append(f"chosen: {self._choices[0]}, {self._choices[1]}; seeds: {self._seeds}")
        return "\n".join(lines + [f"player {s}: {_side_text(row, s)}" for s in range(2)])

    # --- for others ---

    @property
    def battle(self) -> Battle:
        """The engine's battle, which holds what players may not know.

        Raises
        ------
        ValueError
            Before the battle begins.
        """
        if self._progress is None:
            raise ValueError("the battle has not begun: chance has yet to draw teams and a seed")
        return self._progress.battle

    def choices(self, player: int) -> list[int]:
        """What the player may choose, or might before chance moved on."""
        return list(self._legal[player])

    def observation(self, player: int) -> obs.Observation:
        """The arrays of `pokespiel.gen1ou.observation`, for one; zeros before the battle."""
        if self._progress is None:
            return obs.empty(1)
        legal = np.zeros((1, 10), np.bool_)
        legal[0, [a for a in self._legal[player] if a != PASS]] = True
        row = self._progress.battle.row[None, : at.ROW]
        return obs.observe(
            np.ascontiguousarray(row),
            self._progress.known,
            np.zeros(1, np.int64),
            np.array([player], np.int64),
            legal,
        )

    def information(self, player: int) -> str:
        """What the player has been shown and has done, and what it may do now."""
        lines = [f"player {player}"]
        if len(self._drawn) > player:
            team = self.get_game().teams[player][self._drawn[player]]
            lines += [f"{p.species}: {', '.join(p.moves)}" for p in team.sets]
        if self._progress is not None:
            lines += self._progress.views[player]
            lines.append("may choose: " + ", ".join(map(str, self._legal[player])))
        return "\n".join(lines)

    # --- the battle ---

    def _begin(self, outcomes: tuple[int, int]) -> None:
        teams = [self.get_game().teams[s][self._drawn[s]].sets for s in range(2)]
        battle = Battle(teams[0], teams[1], seed=reseeded(0, outcomes))
        self._progress = _Progress(battle, obs.nothing_seen(1), ([], []))
        self._after_step(self._progress)

    def _step(self, progress: _Progress, outcomes: tuple[int, int]) -> None:
        assert self._choices is not None
        row = progress.battle.row
        set_generator(row, reseeded(generator_of(row), outcomes))
        first, second = (-1 if action == PASS else action for action in self._choices)
        self._choices = None
        progress.battle.act(first, second)
        self._after_step(progress)

    def _after_step(self, progress: _Progress) -> None:
        """Note what was shown and what may be chosen now."""
        row = progress.battle.row
        obs.reveal(np.ascontiguousarray(row[None, : at.ROW]), progress.known)
        for player in range(2):
            log = progress.battle.log(player)
            progress.views[player].extend(log[progress.told :])
        progress.told = len(log)
        result = int(row[at.RESULT])
        self._is_chance = False
        if result != at.ONGOING:
            self._returns = _RETURNS.get(result, [0.0, 0.0])
        elif int(row[at.TURN]) > self.get_game().max_turns:
            self._returns = [0.0, 0.0]
        self._legal = [[], []]
        if self._returns is None:
            legal = np.zeros((1, 2, 10), np.bool_)
            call(legal_all, row[None], legal)
            self._legal = [np.flatnonzero(legal[0, s]).tolist() or [PASS] for s in range(2)]


class Gen1OUObserver:
    """What a player knows, as OpenSpiel asks for it.

    Attributes
    ----------
    tensor : float32 array or None
        None for information states.
    dict : dict of float32 arrays
        The pieces of the tensor by the names of `pokespiel.gen1ou.observation`, and ``legal``.
    """

    def __init__(self, iig_obs_type: Any) -> None:
        self._perfect_recall = bool(iig_obs_type.perfect_recall)
        self.tensor: NDArray[np.float32] | None = None
        self.dict: dict[str, NDArray[np.float32]] = {}
        if not self._perfect_recall:
            shapes = {name: array.shape[1:] for name, array in obs.empty(1).items()}
            shapes["legal"] = (NUM_ACTIONS,)
            self.tensor = np.zeros(sum(int(np.prod(s)) for s in shapes.values()), np.float32)
            start = 0
            for name, shape in shapes.items():
                size = int(np.prod(shape))
                self.dict[name] = self.tensor[start : start + size].reshape(shape)
                start += size

    def set_from(self, state: Gen1OUState, player: int) -> None:
        """Fill the tensor."""
        if self.tensor is None:
            return
        for name, array in state.observation(player).items():
            self.dict[name][:] = array[0]
        self.dict["legal"][:] = 0.0
        self.dict["legal"][state.choices(player)] = 1.0

    def string_from(self, state: Gen1OUState, player: int) -> str:
        """The player's information, or what it observes now."""
        if self._perfect_recall:
            return state.information(player)
        legal = ", ".join(map(str, state.choices(player)))
        lines = [f"player {player}", *describe(state.observation(player)), f"may choose: {legal}"]
        return "\n".join(lines)


def _words(row: NDArray[np.int32], player: int, action: int) -> str:
    """A legal action by the name of its move or of the Pokémon that comes in."""
    o = player * at.SIDE
    if action >= 4:
        return f"switch {SPECIES_NAMES[row[o + (action - 4) * at.POKEMON + at.SPECIES]]}"
    move = MOVE_NAMES[row[o + at.ACTIVE_MOVES + action]]
    return f"move {action + 1} {move}".strip()


def _side_text(row: NDArray[np.int32], player: int) -> str:
    """A side with everything that is hidden."""
    o = player * at.SIDE
    members = []
    for slot in range(6):
        m = o + slot * at.POKEMON
        if row[m + at.SPECIES] == 0:
            continue
        text = f"{SPECIES_NAMES[row[m + at.SPECIES]]} {row[m + at.HP]}/{row[m + at.MAX_HP]}"
        status = STATUS_IDS[row[m + at.STATUS]]
        if status == "slp":
            status += f" for {row[m + at.SLEEP_TURNS]}"
        marker = "*" if slot == row[o + at.ORDER] else ""
        pp = " ".join(str(x) for x in row[m + at.PP : m + at.PP + 4])
        members.append(f"{marker}{text} {status}".strip() + f" pp {pp}")
    return "; ".join(members)


def describe(observation: obs.Observation, which: int = 0) -> list[str]:
    """An observation's arrays in words, one line a Pokémon and one a move.

    Parameters
    ----------
    observation
        Of `pokespiel.gen1ou.observation`.
    which
        Its place in the batch.
    """
    ids, pokemon = observation["ids"][which], observation["pokemon"][which]
    lines = []
    for place in range(12):
        features = pokemon[place]
        if not features[3]:
            continue
        owner = "own" if place < 6 else "foe"
        words = [f"{owner} {SPECIES_NAMES[ids[place, 0]]} {100 * features[0]:.1f}%"]
        words += ["active"] * bool(features[1])
        status = STATUS_WORDS[ids[place, 1]]
        words += [status] * (status != "")
        if features[obs.SLEPT]:
            words.append(f"slept {features[obs.SLEPT] * obs.MOST_SLEEP:.0f}")
        words += [
            f"{name}{6 * features[obs.FIRST_BOOST + k]:+.0f}"
            for k, name in enumerate(BOOST_WORDS)
            if features[obs.FIRST_BOOST + k]
        ]
        effects = [*range(obs.FIRST_EFFECT, obs.FIRST_EFFECT + obs.NUM_EFFECTS)]
        effects += [obs.RECHARGING, obs.PREPARING, obs.LIGHT_SCREEN]
        words += [name for k, name in zip(effects, EFFECT_WORDS, strict=True) if features[k]]
        moves = [
            f"{MOVE_NAMES[move]} {100 * features[obs.FIRST_PP + k]:.0f}%"
            for k, move in enumerate(ids[place, 2:])
            if move
        ]
        lines.append(" ".join(words) + (" | " + ", ".join(moves) if moves else ""))
    for slot in range(4):
        there, legal, power, accuracy, effect, bonus, _, damage, _ = observation["moves"][
            which, slot
        ]
        if there:
            name = MOVE_NAMES[observation["move_ids"][which, slot]]
            text = f"move {name}: power {100 * power:.0f}, accuracy {accuracy:.2f}"
            text += f", x{4 * effect:g}, bonus {1 + bonus:g}, estimate {damage:.3f}"
            lines.append(text + ("" if legal else ", not now"))
    own, foe = observation["last_moves"][which]
    lines.append(f"last moves: own {MOVE_NAMES[own] or '-'}, foe {MOVE_NAMES[foe] or '-'}")
    forced, may_switch, turn, left, foe_left = observation["battle"][which]
    lines.append(
        f"turn {100 * turn:.0f}, left {6 * left:.0f} to {6 * foe_left:.0f}"
        + ", has to switch" * bool(forced)
        + ", may switch" * bool(may_switch)
    )
    return lines


STATUS_WORDS = ("", "", "brn", "frz", "par", "psn", "slp", "tox", "fainted")
BOOST_WORDS = ("atk", "def", "spc", "spe", "acc", "eva")
EFFECT_WORDS = (
    "substitute", "reflect", "seeded", "confused", "focused", "mist", "disabled", "biding",
    "recharging", "preparing", "light-screen",
)  # fmt: skip


def register() -> None:
    """Make ``gen1ou`` known to pyspiel, once; importing this module does."""
    if NAME not in pyspiel.registered_names():
        pyspiel.register_game(_TYPE, Gen1OUGame)


register()

"""Metamon's words, numbers and actions, on an example of its own and on written battles."""

import json

import numpy as np
import pytest
from poke_env.battle import Battle

from pokespiel.metamon import observation as obs
from pokespiel.metamon.feedback import shaped_reward
from pokespiel.metamon.history import History

BOOSTS = ("atk", "spa", "def", "spd", "spe", "accuracy", "evasion")
STATS = ("atk", "spa", "def", "spd", "spe", "hp")


def pokemon_view(entry):
    return obs.PokemonView(
        name=entry["name"],
        hp=entry["hp_pct"],
        types=tuple(entry["types"].split()),
        moves=tuple(sorted(move["name"] for move in entry["moves"])),
        boosts=tuple(entry[f"{stat}_boost"] for stat in BOOSTS),
        base_stats=tuple(entry[f"base_{stat}"] for stat in STATS),
        status=entry["status"],
        effect=entry["effect"],
        level=entry["lvl"],
    )


@pytest.mark.metamon
def test_example_state(assets):
    """A state as metamon's own code saw and encoded it."""
    example = json.loads((assets / "example_state.json").read_text())
    vocabulary = json.loads((assets / "allreplays-v3.json").read_text())
    state = example["universal_state"]
    bench = sorted(map(pokemon_view, state["available_switches"]), key=lambda p: p.name)
    seen = obs.View(
        active=pokemon_view(state["player_active_pokemon"]),
        opponent=pokemon_view(state["opponent_active_pokemon"]),
        bench=tuple(bench),
        previous_move=state["player_prev_move"]["name"],
        opponent_previous_move=state["opponent_prev_move"]["name"],
        opponents_left=state["opponents_remaining"],
        forced_switch=state["forced_switch"],
    )
    assert " ".join(obs.words(seen)) == example["text"]
    assert obs.tokens(obs.words(seen), vocabulary).tolist() == example["text_tokens"]
    np.testing.assert_array_equal(obs.numbers(seen), np.float32(example["numbers"]))


@pytest.mark.metamon
def test_moves_are_described_as_metamon_does(assets):
    tables = json.loads((assets / "gen1_tables.json").read_text())
    assert len(tables["moves"]) == 165
    for entry in tables["moves"].values():
        facts = obs.move_facts(entry["name"])
        assert (facts.type, facts.category) == (entry["move_type"], entry["category"])
        assert facts.power == entry["base_power"] / 200
        assert facts.accuracy == entry["accuracy"]
        assert facts.priority == entry["priority"] / 5


TEAM = [
    ("Tauros", ["bodyslam", "hyperbeam", "earthquake", "blizzard"]),
    ("Chansey", ["softboiled", "icebeam", "thunderwave", "sing"]),
    ("Alakazam", ["recover", "psychic", "thunderwave", "seismictoss"]),
]


def battle(moves=None, *, force_switch=False, active=0, fainted=(), trapped=False):
    """A battle at a request; ``moves`` are offered, by default all of the active Pokémon."""
    current = Battle("battle-gen1ou-1", "me", None, gen=1)
    current._player_role = "p1"
    side = [
        {
            "ident": f"p1: {name}",
            "details": name,
            "condition": "0 fnt" if place in fainted else "300/353",
            "active": place == active,
            "stats": {"atk": 1, "def": 1, "spa": 1, "spd": 1, "spe": 1},
            "moves": known,
            "baseAbility": "noability",
            "item": "",
            "pokeball": "pokeball",
        }
        for place, (name, known) in enumerate(TEAM)
    ]
    side = [side[active], *side[:active], *side[active + 1 :]]
    request = {"side": {"name": "me", "id": "p1", "pokemon": side}, "rqid": 1}
    if force_switch:
        request["forceSwitch"] = [True]
    else:
        offered = TEAM[active][1] if moves is None else moves
        request["active"] = [{"moves": [{"id": m, "move": m} for m in offered]}]
        if trapped:
            request["active"][0]["trapped"] = True
    current.parse_request(request)
    current.switch("p2a: Jynx", "Jynx", "100/100")
    return current


def legal(*actions):
    mask = np.zeros(10, dtype=bool)
    mask[list(actions)] = True
    return mask


def test_moves_and_bench_are_in_alphabetical_order():
    current = battle()
    seen = obs.view(current, History())
    assert seen.active.moves == ("blizzard", "bodyslam", "earthquake", "hyperbeam")
    assert [p.name for p in seen.bench] == ["alakazam", "chansey"]
    actions = obs.action_map(current, legal(0, 1, 2, 3, 5, 6))
    assert actions.tolist() == [3, 0, 2, 1, 6, 5, -1, -1, -1]


def test_disabled_moves_are_illegal():
    assert obs.action_map(battle(), legal(0, 1, 5, 6)).tolist()[:4] == [-1, 0, -1, 1]


def test_a_move_that_mimic_has_copied_a_second_time_has_both_its_places():
    known = TEAM[0][1]
    current = battle()
    current.last_request["side"]["pokemon"][0]["moves"] = [known[0], known[0], *known[2:]]
    assert obs.action_map(current, legal(1, 2)).tolist()[:4] == [-1, -1, 1, 2]


def test_switches_shift_when_a_pokemon_faints():
    current = battle(force_switch=True, fainted=(0, 2))
    assert obs.action_map(current, legal(5)).tolist() == [-1] * 4 + [5] + [-1] * 4
    assert obs.words(obs.view(current, History()))[1] == "<forcedswitch>"


def test_recharge_is_what_every_action_means():
    current = battle(["recharge"], trapped=True)
    assert obs.action_map(current, legal(0)).tolist() == [0] * 6 + [-1] * 3


@pytest.mark.parametrize("alone", ["struggle", "fight"])
def test_struggle_and_fight_are_what_every_move_means(alone):
    actions = obs.action_map(battle([alone]), legal(0, 5, 6))
    assert actions.tolist() == [0, 0, 0, 0, 6, 5, -1, -1, -1]


def test_a_move_that_goes_on_is_legal_alone():
    current = battle(["hyperbeam"], trapped=True)
    assert obs.action_map(current, legal(1)).tolist() == [-1, -1, -1, 1] + [-1] * 5


def test_words_and_numbers_have_their_length():
    seen = obs.view(battle(), History())
    assert len(obs.words(seen)) == 87
    assert obs.numbers(seen).shape == (48,)
    assert obs.words(seen)[26:35] == [
        "<switch>", "alakazam", "noitem", "noability", "<moveset>",
        "psychic", "recover", "seismictoss", "thunderwave",
    ]  # fmt: skip
    assert obs.words(seen)[71:74] == ["<opponent>", "jynx", "unknownitem"]


def test_unknown_moves_are_refused_and_unknown_words_are_minus_one():
    with pytest.raises(ValueError, match="'shadowball' is no move of Gen 1"):
        obs.move_facts("shadowball")
    assert obs.tokens(["a", "b"], {"b": 7}).tolist() == [-1, 7]


def read(*lines):
    history = History()
    history.read([line.split("|") for line in lines])
    return history


def test_a_previous_move_survives_switching_and_cant():
    history = read(
        "|switch|p1a: Jynx|Jynx|100/100",
        "|move|p1a: Jynx|Lovely Kiss|p2a: Tauros|[miss]",
        "|switch|p1a: Chansey|Chansey|100/100",
        "|switch|p1a: Jynx|Jynx|100/100",
        "|cant|p1a: Jynx|par",
    )
    assert history.previous_move("p1: Jynx") == "lovelykiss"
    assert history.previous_move("p1: Chansey") == "nomove"


def test_struggle_leaves_no_previous_move():
    history = read("|move|p1a: Jynx|Blizzard|p2a: X", "|move|p1a: Jynx|Struggle|p2a: X")
    assert history.previous_move("p1: Jynx") == "nomove"


def test_one_effect_is_observed_the_oldest_of_the_lowest_counters():
    lines = [
        "|switch|p1a: Jynx|Jynx|100/100",
        "|-start|p1a: Jynx|Disable|Blizzard",
        "|-start|p1a: Jynx|Substitute",
        "|-start|p1a: Jynx|confusion",
    ]
    assert read(*lines).effect("p1: Jynx") == "disable"
    assert read(*lines, "|turn|2").effect("p1: Jynx") == "substitute"
    ended = [*lines, "|turn|2", "|-end|p1a: Jynx|Substitute"]
    assert read(*ended).effect("p1: Jynx") == "confusion"


@pytest.mark.parametrize(
    "end", ["|faint|p1a: Jynx", "|-damage|p1a: Jynx|0 fnt", "|switch|p1a: Chansey|Chansey|1/1"]
)
def test_effects_end_when_the_pokemon_leaves(end):
    history = read("|switch|p1a: Jynx|Jynx|100/100", "|-start|p1a: Jynx|move: Leech Seed", end)
    assert history.effect("p1: Jynx") == "noeffect"


def test_shaped_reward():
    """Damage 0.3, a status given, own hp lost 0.25, an opponent seen to faint."""
    me = obs.PokemonView("jynx", 1.0, ("ice", "psychic"), ())
    you = obs.PokemonView("tauros", 1.0, ("normal", "notype"), ())
    before = obs.View(me, you, (), "nomove", "nomove", 6, False)
    hurt = obs.PokemonView("jynx", 0.75, ("ice", "psychic"), ())
    ill = obs.PokemonView("tauros", 0.7, ("normal", "notype"), (), status="par")
    after = obs.View(hurt, ill, (), "nomove", "nomove", 5, False)
    assert shaped_reward(before, after) == pytest.approx(-0.25 + 0.3 + 0.5 + 1.0)
    other = obs.View(hurt, me, (), "nomove", "nomove", 6, False)
    assert shaped_reward(before, other) == pytest.approx(-0.25)

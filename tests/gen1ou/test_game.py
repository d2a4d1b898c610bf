"""Gen 1 OU as an OpenSpiel game."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys

import numpy as np
import pyspiel
import pytest
from open_spiel.python import policy, rl_environment
from open_spiel.python.algorithms import expected_game_score
from open_spiel.python.observation import make_observation

from pokespiel.gen1ou import game as gen1ou
from pokespiel.gen1ou.engine import Battles, pack
from pokespiel.gen1ou.engine import layout as at
from pokespiel.gen1ou.engine.tables import MAX_PP, MOVE_NUMBER


@pytest.fixture(scope="module")
def duel():
    return pyspiel.load_game("gen1ou(team_size=1)")


@pytest.fixture(scope="module")
def trio():
    return pyspiel.load_game("gen1ou(team_size=3,teams=alakazam-lead+jynx-lead)")


def play_randomly(state, rng, rounds=10_000):
    """Play on; returns the state."""
    while not state.is_terminal() and rounds > 0:
        if state.is_chance_node():
            outcomes = state.chance_outcomes()
            state.apply_action(outcomes[rng.integers(len(outcomes))][0])
        else:
            state.apply_actions([int(rng.choice(state.legal_actions(p))) for p in range(2)])
            rounds -= 1
    return state


def decision(game, seed=0, rounds=0):
    """A state in which both players choose."""
    rng = np.random.default_rng(seed)
    state = play_randomly(game.new_initial_state(), rng, rounds)
    while state.is_chance_node():
        state.apply_action(int(rng.integers(len(state.chance_outcomes()))))
    return state


@pytest.mark.parametrize("size", [1, 3])
def test_openspiels_own_simulations_pass_with_serialisation(size):
    game = pyspiel.load_game(f"gen1ou(team_size={size},teams=alakazam-lead+jynx-lead)")
    pyspiel.random_sim_test(game, num_sims=1, serialize=True, verbose=False)


def test_openspiels_own_simulations_pass_on_the_turn_based_conversion(duel):
    game = pyspiel.convert_to_turn_based(duel)
    pyspiel.random_sim_test(game, num_sims=1, serialize=True, verbose=False)


def test_in_the_turn_based_conversion_the_second_to_choose_does_not_see_the_first_choice(duel):
    game = pyspiel.convert_to_turn_based(duel)
    state = game.new_initial_state()
    while state.is_chance_node():
        state.apply_action(state.chance_outcomes()[0][0])
    texts = []
    for action in state.legal_actions():
        chosen = state.child(action)
        assert chosen.current_player() == 1
        texts.append(chosen.information_state_string(1).partition("\n")[2])
    assert texts[0].startswith("player 1\n")
    assert len(set(texts)) == 1


def test_registering_twice_changes_nothing():
    before = pyspiel.registered_names()
    gen1ou.register()
    assert pyspiel.registered_names() == before
    assert before.count("gen1ou") == 1


def test_importing_pokespiel_does_not_load_openspiel_or_the_engine():
    script = (
        "import sys, pokespiel;assert not {'pyspiel', 'numba', 'torch', 'cvxpy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"team_size": 0}, "team_size is 0, expected 1 to 6"),
        ({"team_size": 7}, "team_size is 7, expected 1 to 6"),
        ({"max_turns": 0}, "max_turns is 0, expected 1 to 1000"),
        ({"max_turns": 1001}, "max_turns is 1001, expected 1 to 1000"),
        ({"teams": "nobody"}, "no team is called 'nobody'"),
        ({"teams": "nobody.txt"}, "no file of teams at 'nobody.txt'"),
    ],
)
def test_parameters_out_of_range_are_named(parameters, message):
    with pytest.raises(ValueError, match=message):
        pyspiel.load_game("gen1ou", parameters)


def test_unknown_parameters_are_refused():
    with pytest.raises(pyspiel.SpielError, match="Unknown parameter 'colour'"):
        pyspiel.load_game("gen1ou(colour=1)")


def test_teams_can_come_from_a_file(tmp_path):
    file = tmp_path / "teams.txt"
    file.write_text("Tauros|||NoAbility|bodyslam,hyperbeam|Serious|252,252,252,252,252,252|N||||\n")
    game = pyspiel.load_game("gen1ou", {"teams": str(file), "team_size": 1})
    state = decision(game)
    assert "Tauros: Body Slam, Hyper Beam" in state.information_state_string(0)
    with pytest.raises(ValueError, match="has 1 Pokémon, team_size is 2"):
        pyspiel.load_game("gen1ou", {"teams": str(file), "team_size": 2})
    file.write_text(file.read_text().replace("bodyslam", "surf"))
    with pytest.raises(ValueError, match="gen1ou: team teams 1: Tauros: cannot learn Surf"):
        pyspiel.load_game("gen1ou", {"teams": str(file), "team_size": 1})


def test_each_player_can_have_teams_of_its_own():
    game = pyspiel.load_game("gen1ou(teams=alakazam-lead,teams_2=jynx-lead+gengar-lead)")
    state = game.new_initial_state()
    assert len(state.chance_outcomes()) == 1
    state.apply_action(0)
    assert [p for _, p in state.chance_outcomes()] == [0.5, 0.5]


def test_the_engine_plays_the_same_battle(trio):
    """Rows are equal after every step if the engine is reseeded as the history says."""
    rng = np.random.default_rng(3)
    state = decision(trio, seed=3)
    history = state.full_history()
    teams = [trio.teams[s][history[s].action].sets for s in range(2)]
    battles = Battles(1)
    seed = gen1ou.reseeded(0, (history[2].action, history[3].action))
    battles.reset(np.stack([pack(team) for team in teams])[None], [seed])
    steps = 0
    while True:
        np.testing.assert_array_equal(state.battle.row[: at.ROW], battles.rows[0])
        if state.is_terminal():
            break
        legal = battles.legal()[0]
        for player in range(2):
            expected = np.flatnonzero(legal[player]).tolist() or [gen1ou.PASS]
            assert state.legal_actions(player) == expected
        actions = [int(rng.choice(state.legal_actions(p))) for p in range(2)]
        seeds = (int(rng.integers(256)), int(rng.integers(256)))
        state.apply_actions(actions)
        for outcome in seeds:
            state.apply_action(outcome)
        generator = gen1ou.reseeded(gen1ou.generator_of(battles.rows[0]), seeds)
        gen1ou.set_generator(battles.rows[0], generator)
        battles.step([[-1 if a == gen1ou.PASS else a for a in actions]])
        steps += 1
    assert steps > 5
    winner = int(battles.rows[0, at.RESULT])
    assert state.returns() == {1: [1, -1], 2: [-1, 1], 3: [0, 0]}[winner]


def test_seeds_are_spread_over_the_whole_generator():
    seeds = {gen1ou.reseeded(0, (a, b)) for a in range(256) for b in range(0, 256, 16)}
    assert len(seeds) == 256 * 16
    bits = np.array([[seed >> k & 1 for k in range(64)] for seed in sorted(seeds)])
    assert (np.abs(bits.mean(axis=0) - 0.5) < 0.05).all()


def test_clones_go_their_own_way(trio):
    state = decision(trio, seed=1, rounds=3)
    before = [str(state), state.information_state_string(0), state.observation_string(1)]
    clone = state.clone()
    play_randomly(clone, np.random.default_rng(0))
    assert clone.is_terminal()
    assert not state.is_terminal()
    after = [str(state), state.information_state_string(0), state.observation_string(1)]
    assert after == before


def test_a_state_survives_serialisation_pickling_and_replay(trio):
    state = decision(trio, seed=2, rounds=4)
    game, restored = pyspiel.deserialize_game_and_state(
        pyspiel.serialize_game_and_state(trio, state)
    )
    replayed = trio.new_initial_state()
    history = iter(state.full_history())
    for item in history:
        if item.player == pyspiel.PlayerId.CHANCE:
            replayed.apply_action(item.action)
        else:
            replayed.apply_actions([item.action, next(history).action])
    assert str(game) == str(trio)
    for other in (restored, replayed, pickle.loads(pickle.dumps(state)), copy.deepcopy(state)):
        np.testing.assert_array_equal(other.battle.row, state.battle.row)
        for player in range(2):
            assert other.information_state_string(player) == state.information_state_string(player)
            assert other.observation_tensor(player) == state.observation_tensor(player)
            assert other.legal_actions(player) == state.legal_actions(player)


def hidden_from(player):
    """Fields of a row that the player may not know."""
    foe = (1 - player) * at.SIDE
    fields = [at.PRNG_HIGH, at.PRNG_LOW]
    for slot in range(1, 6):
        m = foe + slot * at.POKEMON
        fields += [*range(m + at.STATS, m + at.STATS + 4), m + at.SLEEP_TURNS]
    fields += [*range(foe + at.STATS, foe + at.STATS + 4), foe + at.SLEEP_TURNS]
    fields += [foe + at.CONFUSION_TURNS, foe + at.LOCKED_TURNS]
    return fields


@pytest.mark.parametrize("player", [0, 1])
def test_nothing_hidden_shows(duel, player):
    state = decision(duel, seed=5, rounds=2)
    tensor = state.observation_tensor(player)
    texts = [state.information_state_string(player), state.observation_string(player)]
    for field in hidden_from(player):
        state.battle.row[field] += 3
    # A move that the foe has not used yet could be any other.
    foe = (1 - player) * at.SIDE
    row = state.battle.row
    unused = [k for k in range(4) if row[foe + at.PP + k] == MAX_PP[row[foe + at.MOVES + k]]]
    assert unused
    for k in unused:
        row[[foe + at.MOVES + k, foe + at.ACTIVE_MOVES + k]] = MOVE_NUMBER["splash"]
        row[[foe + at.PP + k, foe + at.ACTIVE_PP + k]] = MAX_PP[MOVE_NUMBER["splash"]]
    assert state.observation_tensor(player) == tensor
    after = [state.information_state_string(player), state.observation_string(player)]
    assert after == texts


def test_a_player_is_shown_the_foes_hp_in_percent_and_not_its_choice(duel):
    state = decision(duel, seed=8, rounds=2)
    for player in range(2):
        text = state.information_state_string(player)
        foe = [line for line in text.splitlines() if f"p{2 - player}a" in line]
        damage = [line.split("|")[3] for line in foe if line.startswith(f"|-damage|p{2 - player}a")]
        assert all(hp.partition(" ")[0] == "0" or "/100" in hp for hp in damage)
        mine = sum(line.startswith("(you choose") for line in text.splitlines())
        assert mine == 2


def test_a_choice_shows_only_to_the_one_who_made_it(duel):
    state = decision(duel, seed=4)
    texts = [state.information_state_string(p) for p in range(2)]
    last = [max(state.legal_actions(p)) for p in range(2)]
    one = state.clone()
    one.apply_actions([last[0], min(state.legal_actions(1))])
    two = state.clone()
    two.apply_actions(last)
    assert one.information_state_string(0) == two.information_state_string(0) != texts[0]
    assert one.information_state_string(1) != two.information_state_string(1)


def test_observers_give_the_tensor_in_named_pieces(duel):
    state = decision(duel, seed=1)
    observer = make_observation(duel)
    observer.set_from(state, 0)
    assert len(observer.tensor) == duel.observation_tensor_shape()[0]
    assert sum(piece.size for piece in observer.dict.values()) == len(observer.tensor)
    assert np.flatnonzero(observer.dict["legal"]).tolist() == state.legal_actions(0)
    np.testing.assert_array_equal(observer.dict["ids"], state.observation(0)["ids"][0])
    infostates = make_observation(duel, pyspiel.IIGObservationType(perfect_recall=True))
    assert infostates.tensor is None
    assert infostates.string_from(state, 1) == state.information_state_string(1)


def test_a_waiting_player_passes(trio):
    """Only the side whose Pokémon fainted has a choice; the other has one action."""
    for seed in range(20):
        state = trio.new_initial_state()
        rng = np.random.default_rng(seed)
        while not state.is_terminal():
            if state.is_chance_node():
                state.apply_action(int(rng.integers(len(state.chance_outcomes()))))
            elif [gen1ou.PASS] in map(state.legal_actions, (0, 1)):
                waiting = 0 if state.legal_actions(0) == [gen1ou.PASS] else 1
                assert all(a >= 4 for a in state.legal_actions(1 - waiting))
                assert state.action_to_string(waiting, gen1ou.PASS) == "pass"
                return
            else:
                play_randomly(state, rng, rounds=1)
    pytest.fail("nobody fainted")


def test_the_turn_limit_ties(duel):
    game = pyspiel.load_game("gen1ou(team_size=6,max_turns=2)")
    state = play_randomly(game.new_initial_state(), np.random.default_rng(0))
    assert state.returns() == [0.0, 0.0]
    assert state.battle.turn == 3


def test_rl_environment_plays_to_the_end(duel):
    environment = rl_environment.Environment(duel)
    environment.seed(1)
    rng = np.random.default_rng(1)
    step = environment.reset()
    assert len(step.observations["info_state"][0]) == duel.observation_tensor_shape()[0]
    while not step.last():
        legal = step.observations["legal_actions"]
        step = environment.step([int(rng.choice(actions)) for actions in legal])
    assert sorted(step.rewards) in ([-1.0, 1.0], [0.0, 0.0])


def test_expected_returns_of_one_turn_run_over_chance_and_both_players():
    """A battle of one turn is small enough for OpenSpiel to walk; it is a tie or has a winner."""
    game = pyspiel.load_game("gen1ou(team_size=1,max_turns=1,teams=alakazam-lead)")
    state = decision(game)
    state.apply_actions([0, 0])
    state.apply_action(7)
    uniform = policy.UniformRandomPolicy(game)
    value = expected_game_score.policy_value(state, [uniform, uniform])
    assert value[0] == -value[1]
    assert abs(value[0]) <= 1.0

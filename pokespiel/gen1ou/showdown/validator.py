"""Showdown's own team validator. `pokespiel.gen1ou.teams.legality` needs no Node."""

from __future__ import annotations

import importlib.resources
import json
import subprocess
from collections.abc import Sequence
from typing import Any

from pokespiel.gen1ou.showdown.install import ShowdownError, find_node, showdown_directory
from pokespiel.gen1ou.teams.legality import IllegalTeamError

__all__ = ["BATTLE_FORMAT", "IllegalTeamError", "complaints", "validate_team", "validate_teams"]

BATTLE_FORMAT = "gen1ou"


def validate_team(team: str) -> str:
    """Check one team, see `validate_teams`."""
    return validate_teams([team])[0]


def validate_teams(teams: Sequence[str]) -> list[str]:
    """Check that Showdown accepts teams for Gen 1 OU, all in one process.

    Parameters
    ----------
    teams
        Teams as export text, packed, or JSON.

    Returns
    -------
    list of str
        The same teams packed, with everything filled in, as the server would play them.

    Raises
    ------
    IllegalTeamError
        If any team is illegal: all complaints about all teams, in Showdown's own words.
    ShowdownError
        If Node or Showdown is missing, or the validator fails.
    """
    answers = _answers(teams)
    problems = [
        f"team {place} is illegal: {' '.join(answer['problems'])}"
        for place, answer in enumerate(answers)
        if "problems" in answer
    ]
    if problems:
        raise IllegalTeamError("\n".join(problems))
    return [answer["packed"] for answer in answers]


def complaints(teams: Sequence[str]) -> list[list[str]]:
    """What Showdown holds against each team, in its own words; nothing for a legal one.

    Raises
    ------
    ShowdownError
        As `validate_teams`.
    """
    return [list(answer.get("problems", ())) for answer in _answers(teams)]


def _answers(teams: Sequence[str]) -> list[dict[str, Any]]:
    script = importlib.resources.files("pokespiel.gen1ou.showdown").joinpath("npm", "validate.js")
    with importlib.resources.as_file(script) as path:
        outcome = subprocess.run(
            [find_node(), path, showdown_directory(), BATTLE_FORMAT],
            input=json.dumps(list(teams)),
            capture_output=True,
            text=True,
            check=False,
        )
    if outcome.returncode != 0:
        raise ShowdownError(f"Showdown's team validator failed:\n{outcome.stderr.strip()}")
    answers: list[dict[str, Any]] = json.loads(outcome.stdout)
    return answers

// Plays given choices on the real simulator and prints what each player was sent.
//
// node player_views.js PACKAGE < BATTLES
//   PACKAGE  the folder of the npm package pokemon-showdown
//   BATTLES  JSON: [{seed, teams: [packed, packed], choices: [[p1, p2], ...]}]
// Prints JSON: per battle a list of steps, each [[lines, request] of p1, the same of p2].
'use strict';
const path = require('path');
const {Battle, Teams, extractChannelMessages} = require(path.join(process.argv[2], 'dist', 'sim'));
const {extractChannelMessages: extract} = require(
  path.join(process.argv[2], 'dist', 'sim', 'battle'));

const battles = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const views = battles.map(({seed, teams, choices}) => {
  const battle = new Battle({formatid: 'gen1ou', seed, strictChoices: true});
  teams.forEach((team, i) =>
    battle.setPlayer(`p${i + 1}`, {name: `Player ${i + 1}`, team: Teams.unpack(team)}));
  let sent = 0;
  const look = () => {
    const channels = (extractChannelMessages || extract)(
      battle.log.slice(sent).join('\n'), [1, 2]);
    sent = battle.log.length;
    return battle.sides.map((side, i) => [channels[i + 1], side.activeRequest]);
  };
  const steps = [look()];
  for (const choice of choices) {
    choice.forEach((words, i) => {
      if (words && !battle.choose(`p${i + 1}`, words)) {
        throw new Error(`${words} refused: ${battle.sides[i].choice.error}`);
      }
    });
    steps.push(look());
  }
  return steps;
});
process.stdout.write(JSON.stringify(views));

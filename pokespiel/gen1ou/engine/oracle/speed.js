// node speed.js SECONDS: random battles on the real simulator, as fast as its Battle class goes,
// for so many seconds of CPU, after as long again to warm up.
'use strict';
const {Battle} = require('./simulator.js');
const sets = require('./ou_sets.json');

const budget = Number(process.argv[2]);
const pick = (list, n) => {
  const rest = [...list];
  return Array.from({length: Math.min(n, rest.length)}, () =>
    rest.splice(Math.floor(Math.random() * rest.length), 1)[0]);
};
const spread = n => ({hp: n, atk: n, def: n, spa: n, spd: n, spe: n});
const team = () => pick(sets, 6).map(s => ({
  name: s.species, species: s.species, moves: pick(s.moves, 4), level: 100, ability: 'No Ability',
  item: '', nature: '', gender: '', ivs: spread(30), evs: spread(252),
}));
function choices(side) {
  const request = side.activeRequest;
  if (!request || request.wait) return [];
  const active = request.active && request.active[0];
  const found = [];
  if (active) active.moves.forEach((m, k) => { if (!m.disabled) found.push(`move ${k + 1}`); });
  if (!active || !active.trapped) {
    side.pokemon.forEach((p, k) => { if (k && !p.fainted) found.push(`switch ${k + 1}`); });
  }
  return found;
}
function play() {
  const battle = new Battle({formatid: 'gen1ou', p1: {team: team()}, p2: {team: team()},
    seed: [0, 0, 0, 0].map(() => Math.floor(Math.random() * 65536)).join(',')});
  while (!battle.ended) {
    for (const side of battle.sides) {
      const found = choices(side);
      if (found.length) side.choose(found[Math.floor(Math.random() * found.length)]);
    }
    battle.commitChoices();
  }
  return battle.turn;
}
const used = since => {
  const {user, system} = process.cpuUsage(since);
  return (user + system) / 1e6;
};
while (used() < budget) play();
let battles = 0;
let turns = 0;
const before = process.cpuUsage();
const started = Date.now();
while (used(before) < budget) {
  turns += play();
  battles++;
}
const cpu = used(before);
console.log(JSON.stringify({battles, turns, seconds: (Date.now() - started) / 1e3, cpu}));

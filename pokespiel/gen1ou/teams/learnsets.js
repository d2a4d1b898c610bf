// POKESPIEL_SHOWDOWN_DIR=... node learnsets.js > data/learnsets.json
// What [Gen 1] OU allows each species: from which level it exists, from which level it can know
// each move (by level, machine, tutor or an event outside Japan, its earlier stages included), and which
// moves exclude each other.
'use strict';
const {TeamValidator, gen1, version} = require('../engine/oracle/simulator.js');

const {ruleTable} = TeamValidator.get('gen1ou');

function chain(species) {
  const stages = [];
  for (let s = species; s.exists && s.num >= 1 && s.num <= 151; s = gen1.species.get(s.prevo)) {
    stages.push(s);
  }
  return stages;
}

function levelOf(source, events) {
  if (source[0] !== '1') return null;
  if (source[1] === 'L') return parseInt(source.slice(2));
  if ('MT'.includes(source[1])) return 1;
  if (source[1] !== 'S') throw new Error(`unknown way to learn a move: ${source}`);
  const event = events[parseInt(source.slice(2))];
  return event.japan ? null : event.level;
}

function moves(species) {
  const levels = {};
  for (const stage of chain(species)) {
    const {learnset, eventData} = gen1.species.getLearnsetData(stage.id);
    for (const [move, sources] of Object.entries(learnset || {})) {
      for (const source of sources) {
        const level = levelOf(source, eventData);
        if (level !== null) levels[move] = Math.min(level, levels[move] || 100);
      }
    }
  }
  const byNumber = (a, b) => gen1.moves.get(a).num - gen1.moves.get(b).num;
  return Object.fromEntries(Object.keys(levels).sort(byNumber).map(move => [move, levels[move]]));
}

function minimumLevel(species) {
  const {encounters} = gen1.species.getLearnsetData(species.id);
  const met = (encounters || []).filter(e => e.generation === 1 && e.level).map(e => e.level);
  if (met.length) return Math.min(...met);
  return Math.max(1, ...chain(species).map(stage => stage.evoLevel || 1));
}

const excluded = {};
for (const [, source, , bans] of ruleTable.complexBans) {
  if (source !== 'Obtainable Moves') continue;
  const [species, ...pair] = bans.map(ban => ban.split(':')[1]);
  (excluded[species] = excluded[species] || []).push(pair);
}

const banned = [...ruleTable.keys()].filter(rule => rule.startsWith('-move:'))
  .map(rule => rule.slice('-move:'.length)).filter(id => gen1.moves.get(id).gen === 1);
const fatal = gen1.moves.all().filter(m => m.gen === 1 && m.ohko).map(m => m.id);
const all = gen1.species.all().filter(s => s.num >= 1 && s.num <= 151 && !s.forme)
  .sort((a, b) => a.num - b.num);
const moveNames = gen1.moves.all().filter(m => m.num >= 1 && m.num <= 165)
  .sort((a, b) => a.num - b.num);
const others = gen1.species.all().filter(s => !all.includes(s));
const table = {
  source: `pokemon-showdown ${version}`,
  moves: moveNames.map(m => m.name),
  bannedMoves: [...banned, ...fatal].sort(),
  otherNames: Object.fromEntries(others.map(s => [s.name, s.baseSpecies])),
  species: all.map(s => ({
    name: s.name, banned: ruleTable.isBannedSpecies(s), minimumLevel: minimumLevel(s),
    moves: moves(s), exclusive: excluded[s.id] || [],
  })),
};
const lines = Object.entries(table).map(([key, value]) => key === 'species' ?
  `${JSON.stringify(key)}: [\n${value.map(row => JSON.stringify(row)).join(',\n')}\n]` :
  `${JSON.stringify(key)}: ${JSON.stringify(value)}`);
process.stdout.write(`{\n${lines.join(',\n')}\n}\n`);

// node tables.js > ../data/gen1.json
// Everything the engine knows about moves, species, types and legality, as the simulator sees it.
'use strict';
const fs = require('fs');
const path = require('path');
const {TeamValidator, gen1, packageDir, version} = require('./simulator.js');

const TYPES = ['Normal', 'Fighting', 'Flying', 'Poison', 'Ground', 'Rock', 'Bug', 'Ghost', 'Fire',
  'Water', 'Grass', 'Electric', 'Psychic', 'Ice', 'Dragon'];

function move(m) {
  return {
    num: m.num, id: m.id, name: m.name, type: m.type, category: m.category, power: m.basePower,
    accuracy: m.accuracy === true ? null : m.accuracy, pp: m.pp, noPPBoosts: !!m.noPPBoosts,
    maxPP: m.noPPBoosts ? m.pp : m.pp * 8 / 5 - (m.pp === 40 ? 3 : 0),
    priority: m.priority, critRatio: m.critRatio, target: m.target,
    ignoresImmunity: m.ignoreImmunity === undefined ? m.category === 'Status' : !!m.ignoreImmunity,
    status: m.status || null, volatile: m.volatileStatus || null, boosts: m.boosts || null,
    selfVolatile: (m.self && m.self.volatileStatus) || null, secondaries: m.secondaries || [],
    drain: m.drain || null, recoil: m.recoil || null, multihit: m.multihit || null,
    damage: m.damage || null, ohko: !!m.ohko, selfdestruct: !!m.selfdestruct,
    metronome: !!m.flags.metronome && (!m.isNonstandard || m.isNonstandard === 'Unobtainable'),
  };
}

// Moves that leave the last damage alone: a constant inside the Gen 1 scripts.
function keepsLastDamage() {
  const file = path.join(packageDir, 'dist', 'data', 'mods', 'gen1', 'scripts.js');
  const source = fs.readFileSync(file, 'utf8');
  const list = /SKIP_LASTDAMAGE[^[]*\[([^\]]*)\]/.exec(source)[1];
  return [...list.matchAll(/"(\w+)"/g)].map(match => match[1]);
}

function set(species, moves) {
  return {
    name: '', species, item: '', ability: 'No Ability', moves, nature: '', gender: '', level: 100,
    evs: {hp: 252, atk: 252, def: 252, spa: 252, spd: 252, spe: 252},
    ivs: {hp: 30, atk: 30, def: 30, spa: 30, spd: 30, spe: 30},
  };
}

const validator = TeamValidator.get('gen1ou');
const legal = (species, moves) => !validator.validateSet(set(species, moves), {});

function species(s) {
  const stats = s.baseStats;
  const moves = gen1.moves.all()
    .filter(m => m.num >= 1 && m.num <= 164 && legal(s.name, [m.name]))
    .sort((a, b) => a.num - b.num);
  const pairs = [];
  for (const [i, a] of moves.entries()) {
    for (const b of moves.slice(i + 1)) {
      if (!legal(s.name, [a.name, b.name])) pairs.push([a.id, b.id]);
    }
  }
  return {
    num: s.num, id: s.id, name: s.name, types: s.types,
    stats: [stats.hp, stats.atk, stats.def, stats.spe, stats.spa],
    moves: moves.map(m => m.id), illegalPairs: pairs,
  };
}

const byNumber = (a, b) => a.num - b.num;
const table = {
  source: `pokemon-showdown ${version}`,
  types: TYPES,
  damageTaken: TYPES.map(a => TYPES.map(d => gen1.types.get(d).damageTaken[a] || 0)),
  statusImmunity: TYPES.map(d => ['slp', 'psn', 'brn', 'frz', 'par'].filter(
    s => gen1.types.get(d).damageTaken[s] === 3)),
  moves: gen1.moves.all().filter(m => m.num >= 1 && m.num <= 165).sort(byNumber).map(move),
  keepsLastDamage: keepsLastDamage(),
  species: gen1.species.all().filter(s => s.num >= 1 && s.num <= 151 && !s.forme).sort(byNumber)
    .map(species),
};
const lines = Object.entries(table).map(([key, value]) => Array.isArray(value) ?
  `${JSON.stringify(key)}: [\n${value.map(row => JSON.stringify(row)).join(',\n')}\n]` :
  `${JSON.stringify(key)}: ${JSON.stringify(value)}`);
process.stdout.write(`{\n${lines.join(',\n')}\n}\n`);

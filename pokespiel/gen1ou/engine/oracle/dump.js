// Plays random battles on the real simulator and writes, after every step, its whole state in the
// engine's row layout, for `replay.py` to compare.
//
// node dump.js CONFIG   CONFIG is JSON: {stream, battles, seed, move, layout, logs}
//   stream  ou | uniform | mirror | forced      seed  of the teams and choices
//   move    the move every set carries (forced) layout  names and offsets of layout.py
//   logs    also write each battle's protocol log
//   output  the file to write       standard  for ou: [{species, moves}] to draw from
//   team    play these teams instead    first  number of the first battle
// Output, little-endian int32: per battle the number of steps, the seed (2), the teams
// (12 x 16: species, level, ivs, evs, moves), then per step two actions, two legal masks and a row;
// with logs, the log as length and UTF-8 bytes padded to whole words.
'use strict';
const fs = require('fs');
const {Battle, gen1} = require('./simulator.js');

const config = JSON.parse(process.argv[2]);
const L = config.layout;
const STATS = ['atk', 'def', 'spe', 'spa'];
const IVS = ['hp', ...STATS];
const BOOSTS = [...STATS, 'accuracy', 'evasion'];
const STATUS = {'': 0, slp: 1, psn: 2, brn: 3, frz: 4, par: 5, tox: 6};
const number = id => id === 'nomove' ? L.NO_MOVE : id === 'cannotmove' ? L.CANNOT_MOVE :
  gen1.moves.get(id).num;

// A small generator of our own for teams and choices: splitmix over 32 bits.
function generator(seed) {
  let state = seed >>> 0;
  return n => {
    state = (state + 0x9e3779b9) >>> 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return Math.floor(((z ^ (z >>> 15)) >>> 0) / 2 ** 32 * n);
  };
}

const everySpecies = gen1.species.all().filter(s => s.num >= 1 && s.num <= 151 && !s.forme);
const everyMove = gen1.moves.all().filter(m => m.num >= 1 && m.num <= 165).map(m => m.id);
const table = JSON.parse(fs.readFileSync(`${__dirname}/../data/gen1.json`, 'utf8'));
const learnable = new Map(table.species.map(s => [s.id, s.moves]));
const standard = config.standard || [];

function pick(random, list, n) {
  const rest = [...list];
  const chosen = [];
  while (chosen.length < n && rest.length) chosen.push(rest.splice(random(rest.length), 1)[0]);
  return chosen;
}

function makeTeam(random) {
  if (config.team) return config.team[makeTeam.calls++ % config.team.length];
  if (config.stream === 'ou') {
    return pick(random, standard, 6).map(s => ({species: s.species, moves: pick(random, s.moves, 4)}));
  }
  const any = config.stream === 'forced';
  const pool = everySpecies.filter(s => any || learnable.get(s.id).length);
  return pick(random, pool, any ? 2 + random(3) : 6).map(s => {
    const others = any && random(2) ? everyMove : learnable.get(s.id);
    let moves = pick(random, others, 4);
    if (any) moves = [config.move, ...moves.filter(m => m !== config.move).slice(0, 3)];
    const set = {species: s.id, moves: pick(random, moves, moves.length)};
    if (!random(5)) {
      set.level = 1 + random(100);
      set.ivs = IVS.map(() => 2 * random(16));
      set.evs = IVS.map(() => random(256));
    }
    return set;
  });
}
makeTeam.calls = 0;

function showdownSet(set) {
  const spread = (values, full) => {
    const v = values || [full, full, full, full, full];
    return {hp: v[0], atk: v[1], def: v[2], spe: v[3], spa: v[4], spd: v[4]};
  };
  return {
    name: gen1.species.get(set.species).name, species: set.species, moves: set.moves,
    level: set.level || 100, ability: 'No Ability', item: '', nature: '', gender: '',
    ivs: spread(set.ivs, 30), evs: spread(set.evs, 252),
  };
}

function teamWords(set) {
  const full = n => [n, n, n, n, n];
  const moves = set.moves.map(number);
  while (moves.length < 4) moves.push(0);
  return [gen1.species.get(set.species).num, set.level || 100, ...(set.ivs || full(30)),
    ...(set.evs || full(252)), ...moves];
}

class Recorder {
  constructor(battle) {
    this.battle = battle;
    this.members = battle.sides.map(side => [...side.pokemon]);  // team order, for good
  }
  slot(pokemon) {
    return this.members[pokemon.side.n].indexOf(pokemon);
  }
  row() {
    const b = this.battle;
    const row = new Int32Array(L.ROW);
    for (const side of b.sides) this.side(row, side.n * L.SIDE, side);
    row[L.TURN] = b.turn;
    row[L.LAST_DAMAGE] = b.lastDamage;
    row[L.RESULT] = !b.ended ? 0 : b.winner === 'A' ? 1 : b.winner === 'B' ? 2 : 3;
    const seed = b.prng.getSeed().split(',').map(Number);
    row[L.PRNG_HIGH] = (seed[0] << 16) | seed[1];
    row[L.PRNG_LOW] = (seed[2] << 16) | seed[3];
    return row;
  }
  types(row, at, types) {
    row[at] = table.types.indexOf(types[0]);
    row[at + 1] = table.types.indexOf(types[types.length - 1]);
  }
  pokemon(row, o, p) {
    row[o + L.MAX_HP] = p.maxhp;
    row[o + L.HP] = p.hp;
    row[o + L.STATUS] = p.hp ? STATUS[p.status] : 0;
    if (p.hp && p.status === 'slp') {
      row[o + L.SLEEP_TURNS] = p.statusState.time;
      row[o + L.SLEPT_BY_ITSELF] = p.statusState.source && p.statusState.source.isAlly(p) ? 1 : 0;
    }
    row[o + L.SPECIES] = p.baseSpecies.num;
    row[o + L.LEVEL] = p.level;
    row[o + L.SUBSTITUTE_BROKE] = p.subFainted ? 1 : 0;
    row[o + L.SPEED_GENES] = p.set.ivs.spe + Math.floor(p.set.evs.spe / 4);
    this.types(row, o + L.TYPES, p.baseSpecies.types);
    STATS.forEach((stat, k) => { row[o + L.STATS + k] = p.baseStoredStats[stat]; });
    p.baseMoveSlots.forEach((slot, k) => {
      row[o + L.MOVES + k] = number(slot.id);
      row[o + L.PP + k] = slot.pp;
    });
  }
  side(row, o, side) {
    const members = this.members[side.n];
    members.forEach((p, k) => this.pokemon(row, o + k * L.POKEMON, p));
    for (let k = 0; k < 6; k++) {
      row[o + L.ORDER + k] = k < members.length ? members.indexOf(side.pokemon[k]) : k;
    }
    const waiting = !side.activeRequest || side.activeRequest.wait;
    row[o + L.REQUEST] = waiting ? 0 : side.activeRequest.forceSwitch ? 2 : 1;
    row[o + L.POKEMON_LEFT] = side.pokemonLeft;
    row[o + L.FAINTED_THIS_TURN] = side.faintedThisTurn ? 1 : 0;
    row[o + L.LAST_SELECTED_MOVE] = number(side.lastSelectedMove);
    row[o + L.LAST_SELECTED_SLOT] = side.lastSelectedMoveSlot;
    row[o + L.LAST_ENEMY_SELECTED_MOVE] = number(side.lastEnemySelectedMove);
    row[o + L.LAST_ENEMY_MOVE] = side.lastEnemyMove ? number(side.lastEnemyMove.id) : 0;
    this.active(row, o, side.active[0]);
  }
  active(row, o, p) {
    const v = p.volatiles;
    STATS.forEach((stat, k) => {
      row[o + L.STAT + k] = p.modifiedStats[stat];
      row[o + L.STORED_STAT + k] = p.storedStats[stat];
    });
    if (p.modifiedStats.spa !== p.modifiedStats.spd || p.boosts.spa !== p.boosts.spd) {
      throw new Error('the two halves of Special differ');
    }
    BOOSTS.forEach((boost, k) => { row[o + L.BOOST + k] = p.boosts[boost]; });
    p.moveSlots.forEach((slot, k) => {
      row[o + L.ACTIVE_MOVES + k] = number(slot.id);
      row[o + L.ACTIVE_PP + k] = slot.pp;
    });
    this.types(row, o + L.ACTIVE_TYPES, p.types);
    row[o + L.ACTIVE_SPECIES] = p.species.num;
    row[o + L.TRANSFORMED] = p.transformed ? 1 : 0;
    row[o + L.QUEUE_SPEED] = p.fainted ? 0 : p.speed;
    row[o + L.LAST_MOVE] = p.lastMove ? number(p.lastMove.id) : 0;
    const flag = (id, bit) => { if (v[id]) row[o + L.VOLATILES] |= bit; return v[id]; };
    let x;
    if ((x = flag('confusion', L.CONFUSED))) row[o + L.CONFUSION_TURNS] = x.time;
    flag('flinch', L.FLINCHED);
    flag('mist', L.MIST);
    flag('focusenergy', L.FOCUS_ENERGY);
    flag('lightscreen', L.LIGHT_SCREEN);
    flag('reflect', L.REFLECT);
    flag('mustrecharge', L.MUST_RECHARGE);
    flag('leechseed', L.LEECH_SEEDED);
    flag('invulnerability', L.UNREACHABLE);
    if ((x = flag('residualdmg', L.TOXIC_COUNTED))) row[o + L.TOXIC_COUNTER] = x.counter;
    if ((x = flag('substitute', L.SUBSTITUTE))) row[o + L.SUBSTITUTE_HP] = x.hp;
    if ((x = flag('disable', L.DISABLED))) {
      row[o + L.DISABLE_TURNS] = x.time;
      row[o + L.DISABLED_MOVE] = number(x.move);
      row[o + L.DISABLED_SLOT] = x.slotIndex;
    }
    if ((x = flag('bide', L.BIDING))) {
      row[o + L.BIDE_TURNS] = x.time;
      row[o + L.BIDE_DAMAGE] = x.damage;
    }
    if ((x = flag('rage', L.RAGING))) row[o + L.RAGE_ACCURACY] = x.accuracy;
    if ((x = flag('lockedmove', L.THRASHING))) {
      row[o + L.LOCKED_MOVE] = number(x.move);
      row[o + L.LOCKED_TURNS] = x.time;
      row[o + L.LOCKED_ACCURACY] = x.accuracy;
    }
    if ((x = flag('twoturnmove', L.CHARGING))) row[o + L.CHARGED_MOVE] = number(x.move);
    if ((x = flag('partialtrappinglock', L.TRAPPING))) {
      row[o + L.TRAPPING_MOVE] = number(x.move);
      row[o + L.TRAPPING_TURNS] = x.duration;
      row[o + L.TRAPPING_TOTAL] = x.totalDuration;
      row[o + L.TRAPPING_DAMAGE] = x.damage;
      row[o + L.TRAPPING_TARGET] = this.slot(x.locked);
    }
    if ((x = flag('partiallytrapped', L.TRAPPED))) {
      row[o + L.TRAPPED_TURNS] = x.duration;
      row[o + L.TRAPPED_BY] = this.slot(x.source);
      row[o + L.TRAP_MAY_END] = x.maybeLocked ? 1 : 0;
    }
    if ((x = flag('fakepartiallytrapped', L.FALSELY_TRAPPED))) {
      row[o + L.FALSE_TRAP_TURNS] = x.duration;
      row[o + L.FALSE_TRAP_WITH] = this.slot(x.counterpart);
    }
  }
  // Every legal action of a side with the words Showdown takes for it.
  choices(side) {
    const request = side.activeRequest;
    const found = new Map();
    if (!request || request.wait) return found;
    const members = this.members[side.n];
    const active = request.active && request.active[0];
    if (active && active.moves.length === 1 && !('pp' in active.moves[0])) {
      const at = side.active[0].moveSlots.findIndex(slot => slot.id === active.moves[0].id);
      found.set(Math.max(at, 0), 'move 1');
    } else if (active) {
      active.moves.forEach((m, k) => { if (!m.disabled) found.set(k, `move ${k + 1}`); });
    }
    if (!active || !active.trapped) {
      side.pokemon.forEach((p, k) => {
        if (k > 0 && !p.fainted) found.set(4 + members.indexOf(p), `switch ${k + 1}`);
      });
    }
    return found;
  }
}

const thrown = {};
let steps = 0;
const output = fs.openSync(config.output, 'w');
const started = process.hrtime.bigint();
const BATTLE = config.first || 0;
for (let n = BATTLE; n < BATTLE + config.battles; n++) {
  const random = generator(config.seed * 1000003 + n * 7919);
  const teams = [makeTeam(random), makeTeam(random)];
  if (config.stream === 'mirror') teams[1] = pick(random, teams[0], 6);
  const seed = [0, 0, 0, 0].map(() => random(65536));
  const battle = new Battle({
    formatid: 'gen1ou', seed: seed.join(','),
    p1: {name: 'A', team: teams[0].map(showdownSet)}, p2: {name: 'B', team: teams[1].map(showdownSet)},
  });
  const recorder = new Recorder(battle);
  const words = [0, (seed[0] << 16) | seed[1], (seed[2] << 16) | seed[3]];
  for (const team of teams) {
    for (let k = 0; k < 6; k++) words.push(...(team[k] ? teamWords(team[k]) : new Array(16).fill(0)));
  }
  const chunks = [];
  const record = (a, c) => {
    const legal = battle.sides.map(side => {
      let mask = 0;
      for (const action of recorder.choices(side).keys()) mask |= 1 << action;
      return mask;
    });
    chunks.push(Int32Array.from([a, c, ...legal]), recorder.row());
    words[0]++;
  };
  record(-1, -1);
  try {
    while (!battle.ended) {
      const actions = battle.sides.map(side => {
        const found = recorder.choices(side);
        if (!found.size) return -1;
        const all = [...found.keys()];
        const moves = all.filter(a => a < 4);
        const list = moves.length && random(100) < 85 ? moves : all;
        const action = list[random(list.length)];
        if (!side.choose(found.get(action))) throw new Error('rejected: ' + found.get(action));
        return action;
      });
      battle.commitChoices();
      record(...actions);
    }
  } catch (error) {
    thrown[error.message] = (thrown[error.message] || 0) + 1;
  }
  steps += words[0];
  const parts = [Int32Array.from(words), ...chunks];
  if (config.logs) {
    const text = Buffer.from(battle.log.join('\n'));
    const padded = Buffer.alloc(4 * Math.ceil(text.length / 4));
    text.copy(padded);
    parts.push(Int32Array.from([text.length]), new Int32Array(padded.buffer, padded.byteOffset,
      padded.length / 4));
  }
  for (const part of parts) {
    fs.writeSync(output, Buffer.from(part.buffer, part.byteOffset, part.byteLength));
  }
}
const seconds = Number(process.hrtime.bigint() - started) / 1e9;
process.stdout.write(JSON.stringify({battles: config.battles, steps, seconds, thrown}) + '\n');

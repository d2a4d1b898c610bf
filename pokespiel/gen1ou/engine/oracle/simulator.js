// Loads the pinned Showdown simulator from POKESPIEL_SHOWDOWN_DIR, the folder that
// contains node_modules/pokemon-showdown.
'use strict';
const path = require('path');

const directory = process.env.POKESPIEL_SHOWDOWN_DIR;
if (!directory) throw new Error('set POKESPIEL_SHOWDOWN_DIR to the folder with node_modules');
const packageDir = path.resolve(directory, 'node_modules', 'pokemon-showdown');
const {Battle, Dex, TeamValidator} = require(path.join(packageDir, 'dist', 'sim'));
const {version} = require(path.join(packageDir, 'package.json'));

module.exports = {Battle, Dex, TeamValidator, gen1: Dex.mod('gen1'), packageDir, version};

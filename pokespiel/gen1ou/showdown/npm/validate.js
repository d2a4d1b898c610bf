// Reads teams (packed, JSON or export text) as a JSON array from standard input and writes, for
// each, the team packed as the server would play it, or the validator's complaints.
'use strict';

const {Teams, TeamValidator} = require(process.argv[2] + '/dist/sim');

let input = '';
process.stdin.on('data', chunk => { input += chunk; });
process.stdin.on('end', () => {
	const validator = TeamValidator.get(process.argv[3]);
	const answers = JSON.parse(input).map(text => {
		const team = Teams.import(text);
		if (!team || !team.length) return {problems: ['No team could be read.']};
		// Export text of the first generations leaves maximal stat experience unsaid.
		if (!text.includes('|') && !/^EVs:/m.test(text)) {
			for (const set of team) set.evs = {hp: 252, atk: 252, def: 252, spa: 252, spd: 252, spe: 252};
		}
		const problems = validator.validateTeam(team);
		return problems ? {problems} : {packed: Teams.pack(team)};
	});
	process.stdout.write(JSON.stringify(answers));
});

// Configuration of a Showdown server that serves this machine only, with no security and no
// network. Everything not named here is Showdown's own default (config-example.js).
'use strict';

const fs = require('fs');
const net = require('net');
const settings = JSON.parse(process.env.POKESPIEL_SHOWDOWN);

exports.port = settings.port;
exports.bindaddress = '127.0.0.1';
exports.subprocesses = 0;
exports.noNetRequests = true;
exports.loginserver = 'http://127.0.0.1:9/';
exports.repl = false;
exports.backdoor = false;
exports.consoleips = [];
exports.watchconfig = false;
exports.reportjoins = false;
exports.reportbattles = false;
exports.reportbattlejoins = false;
exports.logchat = false;
exports.logchallenges = false;
exports.loguserstats = 0;
exports.nobattlesearch = true;

// Showdown says that it listens before it does, and goes on if it cannot.
const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (...where) {
	this.once('listening', () => console.log(`PokéSpiel: port ${this.address().port}`));
	this.once('error', error => {
		console.error(error.message);
		process.exit(1);
	});
	return listen.apply(this, where);
};

// A server must not outlive the process that started it, however that one dies, nor must the
// folder of links that it runs in.
setInterval(() => {
	if (process.ppid === settings.parent) return;
	fs.rmSync(settings.temporary, {recursive: true, force: true});
	process.exit(0);
}, 500).unref();

exports.startuphook = () => {
	Chat.loadPlugins();
	// Names of battles stay unique when a killed server is started again.
	Rooms.global.lastBattle = settings.firstBattle;
	// Clients are told of this format only; the rules of all others take two seconds to read.
	Rooms.global.formatList = '|formats|,1|RBY|[Gen 1] OU,e';
	(Chat.handlers.onBattleEnd ||= []).push((battle, winner, players) => {
		const record = {battle: battle.roomid, winner, players, turns: battle.turn};
		fs.appendFileSync(settings.record, JSON.stringify(record) + '\n');
		// Showdown would keep the finished room for ten minutes: 100 kB each.
		const room = battle.room;
		setTimeout(() => { if (room.battle === battle) room.destroy(); }, settings.keepSeconds * 1000);
	});
};

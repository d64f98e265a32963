'use strict';
// Preloaded into a stage, so that it reads stdin in pieces: lines are cut anywhere, and the input pauses at each cut.
// Feeding the pipe slowly would not work: everything written while a stage starts up arrives in one read.
const fs = require('node:fs');
const { syncBuiltinESMExports } = require('node:module');

const most = Number(process.env.PIECES);
let state = 12345; // gives the same cuts in each run
const size = () => {
  state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
  return 1 + ((state >> 8) % most);
};

const { read } = fs;
fs.read = (fd, buffer, offset, length, position, done) => {
  const part = fd === 0 ? Math.min(length, size()) : length;
  setImmediate(() => read(fd, buffer, offset, part, position, done));
};
syncBuiltinESMExports();

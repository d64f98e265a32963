'use strict';
// Preloaded into a command. Kills it with SIGKILL during file operation number KILL_AT that changes a folder or a file
// (writes to fd 0 to 2 do not count). A write is cut after the fraction KILL_PART (0 to 1) of its bytes.
const fs = require('node:fs');
const { promisify } = require('node:util');
const { syncBuiltinESMExports } = require('node:module');

let left = Number(process.env.KILL_AT);
const part = Number(process.env.KILL_PART);
const due = () => --left === 0;
const die = () => process.kill(process.pid, 'SIGKILL');

const { write, writeSync } = fs;
fs.writeSync = (fd, buffer, offset = 0, length = buffer.length - offset, position = null) => {
  if (fd > 2 && due()) {
    writeSync(fd, buffer, offset, Math.floor(part * length), position);
    die();
  }
  return writeSync(fd, buffer, offset, length, position);
};
function killing(fd, buffer, offset, length, position, done) {
  if (fd > 2 && due()) {
    writeSync(fd, buffer, offset, Math.floor(part * length), position);
    die();
  }
  write(fd, buffer, offset, length, position, done);
}
killing[promisify.custom] = (fd, buffer, ...rest) =>
  new Promise((resolve, reject) => {
    killing(fd, buffer, ...rest, (error, bytesWritten) => (error ? reject(error) : resolve({ bytesWritten, buffer })));
  });
fs.write = killing;

for (const name of ['open', 'rename', 'unlink', 'symlink']) {
  const does = fs.promises[name];
  fs.promises[name] = async (...args) => {
    if (!due()) return does(...args);
    if (part > 0.5) await does(...args); // kills it after the operation, otherwise before it
    return die();
  };
}
syncBuiltinESMExports();

'use strict';
// The JSON Schema formats that our schemas use, for ajv at build time and at run time.
// CommonJS, because the validators that ajv generates require it.
const { isIPv4, isIPv6 } = require('node:net');

exports.all = {
  ipv4: isIPv4,
  ipv6: (text) => isIPv6(text) && !text.includes('%'), // an address in an event has no zone
};

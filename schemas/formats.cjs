'use strict';
// The JSON Schema formats that our schemas use, for ajv at build time and at run time.
// CommonJS, since the validators that ajv writes ahead are.
const { isIPv4, isIPv6 } = require('node:net');

exports.all = {
  ipv4: isIPv4,
  ipv6: (text) => isIPv6(text) && !text.includes('%'), // a zone is no part of the address
};

'use strict';
// This file stays outside the commands' bundles: code from V8's cache cannot use `import()`.
exports.importModule = (name) => import(name);

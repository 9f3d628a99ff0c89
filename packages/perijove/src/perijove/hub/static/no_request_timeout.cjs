// Loaded before configurable-http-proxy. Node answers 408 to a request whose body takes longer than
// `requestTimeout` (five minutes) to arrive. Uploads may take hours; headers must still come within a minute.
"use strict";

for (const module of [require("node:http"), require("node:https")]) {
  const createServer = module.createServer;
  module.createServer = (options, listener) =>
    typeof options === "function"
      ? createServer({ requestTimeout: 0 }, options)
      : createServer({ requestTimeout: 0, ...options }, listener);
}
require("node:module").syncBuiltinESMExports();

#!/usr/bin/env node
"use strict";
const { enableCompileCache } = require("node:module");
const { homedir } = require("node:os");
const { join } = require("node:path");

// V8's compiled form of the bundle halves the time to start. It is kept in the user's own folder, because another
// user of this machine could write into a shared one.
enableCompileCache?.(join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "rekey"));
require("./dist/rekey.cjs");

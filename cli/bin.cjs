#!/usr/bin/env node
"use strict";
const { enableCompileCache } = require("node:module");
const { homedir } = require("node:os");
const { join } = require("node:path");

// V8's compiled form of the parts saves half of the time that loading them takes. It is kept in the user's own folder, because another
// user of this machine could write into a shared one.
enableCompileCache?.(join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "rekey"));

// A scan of files is nearly done in the time that the whole command line takes to load, so it has a bundle of its own.
// Only what asks a deployment, or reads another scanner's file, needs the rest.
const words = process.argv.slice(2).filter((word) => word !== "--json");
const isScanAlone =
  words[0] === "scan" && !words.some((word) => /^--(?:known|report|from)(?:=|$)/.test(word));
require(isScanAlone ? "./dist/scan.cjs" : "./dist/rekey.cjs");

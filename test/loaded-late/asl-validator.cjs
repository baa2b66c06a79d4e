/** The engine of the state machines imports its validator, and most suites never ask it: it is loaded when it is asked. */
module.exports = (...given) => require("../../node_modules/asl-validator/dist/src/validator.js")(...given);

// The plugin's log: lines go to the host's, under the plugin's name.
import { log as write } from "chipmunk:shared/logging@0.2.0";

const LEVELS = ["error", "warn", "info", "debug", "trace"];
let wanted = LEVELS.indexOf("info");

export function setLevel(level) {
  wanted = LEVELS.indexOf(level);
}

const at = (level) => (line) => {
  if (LEVELS.indexOf(level) <= wanted) write(level, line);
};

export const log = { error: at("error"), warn: at("warn"), info: at("info"), debug: at("debug"), trace: at("trace") };

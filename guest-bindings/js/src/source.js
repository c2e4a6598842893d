// Sources. Write a class, and `export const byteSource = exportSource(YourClass)`. The class has:
//
// - `static version = [1, 0, 0]`; if wanted `static items = [Item...]` and `static capabilities = ["timestamps", "live"]`;
// - `constructor(config)`; throws `Failure`;
// - `read(length)`: at most so many bytes, as an archive made by `chunk`; throws `Failure`.
import { Config, Failure } from "./config.js";
import { setLevel } from "./log.js";

export { State, chunk } from "./archive.js";
export { Failure, Item } from "./config.js";
export { log } from "./log.js";

export function exportSource(Plugin) {
  let plugin;
  return {
    getVersion: () => ({ major: Plugin.version[0], minor: Plugin.version[1], patch: Plugin.version[2] }),
    getConfigSchemas: () => Plugin.items ?? [],
    getCapabilities: () => Object.fromEntries((Plugin.capabilities ?? []).map((name) => [name, true])),
    init({ logLevel }, items) {
      setLevel(logLevel);
      plugin = undefined;
      try {
        plugin = new Plugin(new Config(items));
      } catch (failure) {
        if (failure instanceof Failure) throw { tag: failure.kind, val: failure.text };
        throw failure;
      }
    },
    read(length) {
      if (!plugin) throw { tag: "other", val: "`read` was called before `init`" };
      try {
        // A host may ask for any number of bytes, and a source may always give fewer.
        return plugin.read(Math.min(Number(length), 16 << 20));
      } catch (failure) {
        if (failure instanceof Failure) throw { tag: failure.kind === "config" ? "other" : failure.kind, val: failure.text };
        throw failure;
      }
    },
  };
}

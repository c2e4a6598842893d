// Parsers. Write a class, and `export const parser = exportParser(YourClass)`. The class has:
//
// - `static version = [1, 0, 0]`; if wanted `static items = [Item...]`; `static capabilities = ["line", ...]`;
//   for columns `static columns = [{caption, description, width}]`;
// - `constructor(config, output)`, where output is "ranges", "line" or "columns"; throws `Failure`;
// - `parse(data, timestamp, atEnd, out)`: describes the bytes of data from the beginning and returns a `Tail`.
import { Batch, Tail } from "./archive.js";
import { Config, Failure } from "./config.js";
import { setLevel } from "./log.js";

export { Batch, Reason, Tail } from "./archive.js";
export { Failure, Item } from "./config.js";
export { log } from "./log.js";

export function exportParser(Plugin) {
  let plugin, batch = new Batch();
  return {
    getVersion: () => ({ major: Plugin.version[0], minor: Plugin.version[1], patch: Plugin.version[2] }),
    getConfigSchemas: () => Plugin.items ?? [],
    getCapabilities: () => Object.fromEntries(Plugin.capabilities.map((name) => [name, true])),
    getRenderOptions: () => ({
      columnsOptions: Plugin.capabilities.includes("columns")
        ? { columns: Plugin.columns, minWidth: 3, maxWidth: 1000 } : undefined,
    }),
    init({ logLevel, output, maxArchiveBytes }, items) {
      setLevel(logLevel);
      plugin = undefined;
      if (!Plugin.capabilities.includes(output)) throw { tag: "unsupported", val: `this parser does not give ${output}` };
      try {
        plugin = new Plugin(new Config(items), output);
      } catch (failure) {
        if (failure instanceof Failure) throw { tag: failure.kind, val: failure.text };
        throw failure;
      }
      batch = new Batch(maxArchiveBytes);
    },
    parse(data, timestamp, atEnd) {
      if (!plugin) return batch.finish(Tail.error("`parse` was called before `init`"));
      return batch.finish(plugin.parse(data, timestamp, atEnd, batch));
    },
  };
}

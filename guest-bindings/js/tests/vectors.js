// Builds archives as a script says, for the test that compares them with the Rust payload crate's: tests/languages has the
// script's format. A parser, so that it goes the way that plugins go.
import { Batch, Tail, chunk } from "../src/archive.js";
import { exportParser } from "../src/parser.js";

class Script {
  constructor(bytes) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.at = 0;
  }
  byte() { return this.view.getUint8(this.at++); }
  number() { return this.view.getUint32((this.at += 4) - 4, true); }
  wide() { return this.view.getBigUint64((this.at += 8) - 8, true); }
  run() {
    const length = this.number();
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }
  text() { return new TextDecoder("utf-8", { ignoreBOM: true }).decode(this.run()); }
  maybe() { return this.byte() ? this.text() : undefined; }
}

class Vectors {
  static version = [0, 2, 0];
  static capabilities = ["ranges"];
}

let batch = new Batch();

function make(script) {
  let data = [], segments = [];
  for (;;) {
    switch (String.fromCharCode(script.byte())) {
      case "B": batch = new Batch(script.number()); break;
      case "t": batch.text(script.text()); break;
      case "l": batch.textLossy(script.run()); break;
      case "c": batch.endCell(); break;
      case "m": batch.message(script.number(), script.number(), script.number(), script.byte() === 1); break;
      case "f": batch.filtered(script.number()); break;
      case "s": batch.skipped(script.number(), script.byte()); break;
      case "a": {
        const consumed = script.number(), message = script.byte();
        const own = { start: script.number(), length: script.number() };
        const name = script.text(), size = script.wide(), created = script.maybe(), modified = script.maybe();
        const messages = Array.from({ length: script.number() }, () => script.wide());
        batch.attached(consumed, { name, size, created, modified, messages, data: script.run() }, message ? own : undefined);
        break;
      }
      case "F": if (batch.isFull()) return batch.finish(Tail.full); break;
      case "z": return batch.finish({ state: script.byte(), needed: script.number(), text: script.text() });
      case "S": script.number(); data = new Uint8Array(); segments = []; break;
      case "b": data = script.run(); break;
      case "k": {
        const skipped = script.number(), has = script.byte(), time = script.wide();
        segments.push({ end: data.length, skipped, time: has ? time : undefined });
        break;
      }
      case "Z": return chunk(data, script.number(), segments, script.number());
    }
  }
}

export const parser = { ...exportParser(Vectors), init() {}, parse: (bytes) => make(new Script(bytes)) };

// The Chipmunk plugin `text-parser`: every line is a message, whatever ends it. Its own bytes are all of it, its text is the
// line without the ending. See host/text for what a line is: this gives the same, byte for byte.
import { Item, Tail, exportParser } from "../src/parser.js";

const LF = 10, CR = 13;

class TextParser {
  static version = [0, 2, 0];
  static items = [
    Item.text("column-split", "Column separator", "",
      "What stands between the columns of a line; lines are not split if it is empty."),
  ];
  static capabilities = ["ranges", "line", "columns"];
  static columns = [{ caption: "Text", description: "The line, or its first column.", width: -1 }];

  constructor(config, output) {
    this.withText = output !== "ranges";
    this.separator = new TextEncoder().encode(output === "columns" ? config["column-split"] : "");
  }

  parse(data, timestamp, atEnd, out) {
    const end = data.length;
    // Searched once for each of both, and again only where the last one found is behind.
    let lf = -1, cr = -1;
    for (let start = 0; start < end;) {
      if (out.isFull()) return Tail.full;
      if (lf < start) lf = find(data, LF, start);
      if (cr < start) cr = find(data, CR, start);
      const stop = Math.min(lf, cr);
      // An ending that comes last may be half of one, or none.
      if (!atEnd && (stop === end || (stop === cr && stop + 1 === end))) return Tail.incomplete();
      const both = stop === cr && lf === cr + 1 && lf < end;
      const next = Math.min(end, stop + (both ? 2 : 1));
      if (this.withText) this.cells(data.subarray(start, stop), out);
      out.message(next - start, 0, next - start);
      start = next;
    }
    return Tail.complete;
  }

  cells(line, out) {
    let start = 0;
    for (let at; this.separator.length && (at = this.next(line, start)) >= 0; start = at + this.separator.length) {
      out.textLossy(line.subarray(start, at));
      out.endCell();
    }
    out.textLossy(line.subarray(start));
    out.endCell();
  }

  /** Where the separator is next, or -1. */
  next(line, from) {
    for (let at = from; (at = line.indexOf(this.separator[0], at)) >= 0; at++) {
      if (this.separator.every((byte, index) => line[at + index] === byte)) return at;
    }
    return -1;
  }
}

/** Where the byte is next, or the end. */
function find(data, byte, from) {
  const at = data.indexOf(byte, from);
  return at < 0 ? data.length : at;
}

export const parser = exportParser(TextParser);

// The Chipmunk plugin `file-source`: the bytes of a file, or of the standard input, as they are. A chunk is as large as the host
// asks for, also where the system gives less at a time.
import { File } from "../src/files.js";
import { Item, State, chunk, exportSource, log } from "../src/source.js";

class FileSource {
  static version = [0, 2, 0];
  static items = [Item.files("input", "File", [], "The file to read, or - for the standard input.")];

  constructor(config) {
    const path = config.file("input");
    this.file = new File(path);
    log.info(`reading ${path}`);
  }

  read(length) {
    const data = new Uint8Array(length);
    let filled = 0;
    while (filled < length) {
      const piece = this.file.read(length - filled);
      if (piece.length === 0) break;
      data.set(piece, filled);
      filled += piece.length;
    }
    // Only an empty read says that the end is there: what is short now may be longer the next time.
    return chunk(data.subarray(0, filled), filled ? State.more : State.end);
  }
}

export const byteSource = exportSource(FileSource);

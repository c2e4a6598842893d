// Files that were granted, for sources: there is no `fs` in the component. What this imports of WASI is in ../wit.
import { getDirectories } from "wasi:filesystem/preopens@0.2.0";
import { getStdin } from "wasi:cli/stdin@0.2.0";
import { Failure } from "./config.js";

const code = (error) => error?.payload ?? error;

/** A file to read from beginning to end; "-" is the standard input. Throws `Failure`. */
export class File {
  #descriptor; #stdin; #offset = 0n; #path;

  constructor(path) {
    this.#path = path;
    if (path === "-") {
      this.#stdin = getStdin();
      return;
    }
    for (const [directory, name] of getDirectories()) {
      const inside = name.endsWith("/") ? name : `${name}/`;
      if (!path.startsWith(inside)) continue;
      try {
        this.#descriptor = directory.openAt({ symlinkFollow: true }, path.slice(inside.length), {}, { read: true });
        if (this.#descriptor.getType() === "directory") throw new Failure("io", `${path} is a directory; name a file in it`);
        return;
      } catch (error) {
        if (error instanceof Failure) throw error;
        throw new Failure("io", `${path} cannot be opened: ${code(error)}`);
      }
    }
    throw new Failure("io", `${path} cannot be opened: it was not granted`);
  }

  /** The next bytes, at most so many; none at the end. */
  read(length) {
    try {
      if (this.#stdin) return this.#stdin.blockingRead(BigInt(length));
      const [bytes] = this.#descriptor.read(BigInt(length), this.#offset);
      this.#offset += BigInt(bytes.length);
      return bytes;
    } catch (error) {
      if (this.#stdin && code(error)?.tag === "closed") return new Uint8Array();
      throw new Failure("io", `${this.#path} cannot be read: ${code(error)?.tag ?? code(error)}`);
    }
  }
}

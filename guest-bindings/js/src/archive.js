// The archives that `parse` and `read` return, as wit/PAYLOAD.md lays them out.
//
// A writer is a few growing typed arrays. WebAssembly is little endian, as archives are: numbers need no conversion.

const ITEM = 20, ATTACHMENT = 44, ROOT = 72, LARGEST = 0x7fffffff;
const encoder = new TextEncoder();
// A byte order mark is text like any other.
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

const padded = (length) => (length + 3) & ~3;

/** Growing bytes. */
class Buffer {
  constructor(capacity = 256) {
    this.bytes = new Uint8Array(capacity);
    this.length = 0;
  }
  /** Makes room for so many bytes more. */
  reserve(more) {
    if (this.bytes.length - this.length >= more) return;
    const grown = new Uint8Array(Math.max(this.length + more, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }
  append(bytes) {
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }
  words(...words) {
    this.append(new Uint8Array(Uint32Array.from(words).buffer));
  }
  text(text) {
    // A unit of JavaScript's text makes three bytes at most.
    this.reserve(3 * text.length);
    this.length += encoder.encodeInto(text, this.bytes.subarray(this.length)).written;
  }
  pad() {
    this.append(new Uint8Array(padded(this.length) - this.length));
  }
  all() {
    return this.bytes.subarray(0, this.length);
  }
}

/** Growing numbers of 32 bits. */
class Words {
  constructor() {
    this.words = new Uint32Array(256);
    this.length = 0;
  }
  reserve(more) {
    if (this.words.length - this.length >= more) return;
    const grown = new Uint32Array(Math.max(this.length + more, this.words.length * 2));
    grown.set(this.words.subarray(0, this.length));
    this.words = grown;
  }
  push(word) {
    if (this.length === this.words.length) this.reserve(1);
    this.words[this.length++] = word;
  }
  all() {
    return new Uint8Array(this.words.buffer, 0, 4 * this.length);
  }
}

/** Why bytes were skipped. */
export const Reason = { unspecified: 0, garbage: 1, truncated: 2, malformed: 3, unsupported: 4 };

/** Why there are no more items in a batch. */
export const Tail = {
  complete: { state: 0 },
  /** So many bytes more are wanted at least; 0 if that is not known. */
  incomplete: (needed = 0) => ({ state: 1, needed }),
  full: { state: 2 },
  end: { state: 3 },
  /** The parser cannot go on, and this is what to tell the user. */
  error: (text) => ({ state: 4, text }),
};

/** What a parser found in one call. Used again for every call. */
export class Batch {
  #text = new Buffer(); #cells = new Words(); #items = new Words();
  #attachments = []; #attachmentText = new Buffer(); #data = new Buffer(); #numbers = new Words();
  #openText = 0; #openCells = 0; #cellStart = 0; #max; #largest;

  constructor(maxArchiveBytes = LARGEST) {
    this.#max = Math.min(maxArchiveBytes, LARGEST);
    this.#largest = this.#max >>> 4;
  }
  /** Text of the open cell. */
  text(text) {
    this.#text.text(text);
  }
  /** Text of the open cell: bytes, of which what is not UTF-8 becomes U+FFFD. */
  textLossy(bytes) {
    this.#text.text(decoder.decode(bytes));
  }
  /** What was written since the last cell is a cell, also if it is nothing. */
  endCell() {
    this.#cellStart = this.#text.length;
    this.#cells.push(this.#cellStart);
  }
  /** The next item is a message, whose own bytes begin at `start`; the cells since the last item are its own. */
  message(consumed, start, length, damaged = false) {
    this.#closeCell();
    this.#item(consumed, start, length, damaged ? 0x100 : 0);
  }
  /** The next bytes are a message that the configuration leaves out. */
  filtered(consumed) {
    this.#discard();
    this.#item(consumed, 0, 0, 3);
  }
  /** The next bytes are no message. Skipping nothing adds nothing. */
  skipped(consumed, reason) {
    this.#discard();
    if (consumed) this.#item(consumed, 0, 0, 4 | (reason << 16));
  }
  /**
   * The next bytes complete an attachment: `{name, data, size, created, modified, messages}`, where size and the numbers of
   * messages, counted from 0 since init, are bigints. With `own`, `{start, length}`, they also are a message.
   */
  attached(consumed, { name, data, size, created, modified, messages = [] }, own) {
    this.#data.append(data);
    for (const number of messages) {
      this.#numbers.push(Number(number & 0xffffffffn));
      this.#numbers.push(Number(number >> 32n));
    }
    const dates = (created === undefined ? 0 : 1) | (modified === undefined ? 0 : 2);
    const words = [this.#data.length, this.#numbers.length / 2, Number(size & 0xffffffffn), Number(size >> 32n), dates];
    for (const text of [name, created ?? "", modified ?? ""]) {
      const start = this.#attachmentText.length;
      this.#attachmentText.text(text);
      words.push(start, this.#attachmentText.length - start);
    }
    this.#attachments.push(words);
    if (own) this.#closeCell();
    else this.#discard();
    // Names and dates are short; half a kilobyte stands for them.
    const bytes = ATTACHMENT + data.length + 8 * messages.length + 512;
    this.#item(consumed, own?.start ?? 0, own?.length ?? 0, own ? 2 : 1, bytes);
  }
  /** Whether it is time to return `Tail.full`: another item may not fit. */
  isFull() {
    return this.#items.length > 0 && this.#archived(0) + this.#largest > this.#max;
  }
  /** The archive; the batch is empty then. */
  finish({ state, needed = 0, text = "" }) {
    this.#discard();
    const error = encoder.encode(text);
    const out = this.#text;
    out.reserve(this.#archived(error.length) - out.length);
    const attachmentText = out.length;
    out.append(this.#attachmentText.all());
    const errorStart = state === 4 ? out.length : 0;
    out.append(error);
    const arrays = [[0, out.length]];
    out.pad();
    arrays.push([out.length, this.#cells.length]);
    out.append(this.#cells.all());
    arrays.push([out.length, this.#items.length / 5]);
    out.append(this.#items.all());
    arrays.push([out.length, this.#data.length]);
    out.append(this.#data.all());
    out.pad();
    arrays.push([out.length, this.#attachments.length]);
    for (const words of this.#attachments) {
      words[5] += attachmentText;
      words[7] = words[4] & 1 ? words[7] + attachmentText : 0;
      words[9] = words[4] & 2 ? words[9] + attachmentText : 0;
      out.words(...words);
    }
    arrays.push([out.length, this.#numbers.length / 2]);
    out.append(this.#numbers.all());
    entries(out, arrays);
    out.words(state, needed, errorStart, error.length, 0x41504d43 /* CMPA */, 1);

    this.#text = new Buffer(out.length);
    for (const part of [this.#cells, this.#items, this.#attachmentText, this.#data, this.#numbers]) part.length = 0;
    this.#attachments = [];
    this.#openText = this.#openCells = this.#cellStart = 0;
    return out.all();
  }
  #archived(error) {
    const attached = this.#attachments.length
      ? padded(this.#data.length) + ATTACHMENT * this.#attachments.length + 4 * this.#numbers.length : 0;
    const text = padded(this.#text.length + this.#attachmentText.length + error);
    return text + 4 * (this.#cells.length + this.#items.length) + attached + ROOT;
  }
  #closeCell() {
    if (this.#text.length > this.#cellStart) this.endCell();
  }
  #discard() {
    this.#text.length = this.#cellStart = this.#openText;
    this.#cells.length = this.#openCells;
  }
  #item(consumed, start, length, codes, attached = 0) {
    const size = ITEM + 4 * (this.#cells.length - this.#openCells) + this.#text.length - this.#openText + attached;
    if (size > this.#largest) this.#largest = size;
    const items = this.#items;
    items.reserve(5);
    const at = items.length;
    items.words[at] = consumed;
    items.words[at + 1] = start;
    items.words[at + 2] = length;
    items.words[at + 3] = this.#cells.length;
    items.words[at + 4] = codes;
    items.length = at + 5;
    this.#openCells = this.#cells.length;
    this.#openText = this.#cellStart = this.#text.length;
  }
}

/** How a chunk ends. */
export const State = { more: 0, end: 1, retryLater: 2 };

/**
 * The archive of what a source read. Segments are `{end, skipped, time}`: where each ends in `data`, how many bytes were skipped
 * before it, and its time in nanoseconds since 1970, a bigint, if it has one. Data that is in none becomes one.
 */
export function chunk(data, state, segments = [], retryMs = 0) {
  if (data.length > (segments.at(-1)?.end ?? 0)) segments = [...segments, { end: data.length, skipped: 0 }];
  const out = new Buffer(padded(data.length) + 20 * segments.length + 32);
  out.append(data);
  out.pad();
  const arrays = [[0, data.length], [out.length, segments.length]];
  for (const { end, skipped, time } of segments) {
    const nanoseconds = time ?? 0n;
    out.words(end, skipped, time === undefined ? 0 : 1, Number(nanoseconds & 0xffffffffn), Number(nanoseconds >> 32n));
  }
  entries(out, arrays);
  out.words(state, retryMs, 0x4f534d43 /* CMSO */, 1);
  return out.all();
}

/** A root that begins here: where each array is, relative to its entry, and how many elements it has. */
function entries(out, arrays) {
  for (const [start, count] of arrays) out.words(start - out.length, count);
}

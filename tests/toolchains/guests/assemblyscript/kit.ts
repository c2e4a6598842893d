// The canonical ABI by hand: strings are UTF-16 here, so the component says `utf16` and nothing is converted.
@external("test:kit/host@0.1.0", "note") declare function hostNote(level: i32, text: usize, textLen: i32, numbers: usize, numbersLen: i32, ret: usize): void;
@external("test:kit/host@0.1.0", "shout") declare function hostShout(text: usize, len: i32, ret: usize): void;

export function cabi_realloc(old: usize, oldSize: usize, align: usize, size: usize): usize {
  if (size == 0) return align;
  const place = heap.alloc(size);
  if (old && oldSize) memory.copy(place, old, oldSize < size ? oldSize : size);
  return place;
}
const area = heap.alloc(16);
function pair(ptr: usize, len: i32): usize { store<u32>(area, ptr as u32); store<u32>(area, len, 4); return area; }

export function text(ptr: usize, units: i32): usize { return pair(ptr, units); }
export function bytes(ptr: usize, len: i32): usize { return pair(ptr, len); }
export function through(ptr: usize, units: i32): usize {
  const numbers = heap.alloc(12);
  store<u32>(numbers, 1); store<u32>(numbers, 2, 4); store<u32>(numbers, 3, 8);
  const noted = heap.alloc(12);
  hostNote(2, ptr, units, numbers, 3, noted);
  store<u32>(area, load<u32>(noted));
  if (load<u8>(noted)) { store<u32>(area, load<u32>(noted, 4), 4); store<u32>(area, load<u32>(noted, 8), 8); return area; }
  const count = load<u32>(noted, 4);
  hostShout(ptr, units, noted);
  const loud = load<u32>(noted), loudUnits = load<u32>(noted, 4);
  const digits = "/" + count.toString();
  const all = heap.alloc((loudUnits + digits.length) << 1);
  memory.copy(all, loud, loudUnits << 1);
  memory.copy(all + (loudUnits << 1), changetype<usize>(digits), digits.length << 1);
  store<u32>(area, all as u32, 4); store<u32>(area, loudUnits + digits.length, 8);
  return area;
}

import { shout, note, Counter } from 'test:kit/host@0.1.0';
class Thing {
  constructor(name) { this.n = name; }
  name() { return this.n; }
  static join(a, b) { return new Thing(a.n + '+' + b.n); }
}
const same = a => a;
export const values = {
  Thing,
  numbers: (...all) => all,
  text: same, bytes: same, points: same, shapes: same, maybe: same,
  outcome(a) { if (a.tag === 'err') throw a.val; return a.val; },
  nothing(a) { if (a.tag === 'err') throw a.val; return a.val; },
  perm: same, grade: same,
  count(c, n) { const r = c.add(n); if (c[Symbol.dispose]) c[Symbol.dispose](); return r; },
  countLent(c, n) { return c.add(n); },
  makeCounter(start) { return start ? new Counter(start) : Counter.fresh(); },
  through(text) {
    const n = note({ level: 'high', text, numbers: new Uint32Array([1, 2, 3]) });
    return shout(text) + '/' + n;
  },
};

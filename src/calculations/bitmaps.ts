/** Offsets of the bits that are set in `a`, and with `b` not in `b`; ascending, from `from` on, `limit` at most. */
export const offsetsIn = (a: Buffer, b: Buffer | undefined, from: number, limit: number): number[] => {
  const offsets: number[] = [];
  for (let byte = from >> 3; byte < a.length; byte += 1) {
    const bits = (a[byte] ?? 0) & ~(b?.[byte] ?? 0);
    if (bits === 0) continue;
    for (let bit = 0; bit < 8; bit += 1) {
      const offset = byte * 8 + bit;
      if ((bits & (0x80 >> bit)) === 0 || offset < from) continue;
      offsets.push(offset);
      if (offsets.length === limit) return offsets;
    }
  }
  return offsets;
};

const magics = { gzip: Buffer.from('1f8b', 'hex'), zstd: Buffer.from('28b52ffd', 'hex') };
/** The frames of zstd that have no data, which may come first, differ from each other in the low half of this byte. */
const skippable = Buffer.from('502a4d18', 'hex');

/** Returns how bytes are compressed: `maybe` if there are too few to know; undefined if they are not. */
export function compression(begin: Buffer): 'gzip' | 'zstd' | 'maybe' | undefined {
  const starts = (magic: Buffer, bytes: Buffer) =>
    bytes.subarray(0, magic.length).equals(magic.subarray(0, bytes.length)) && bytes.length > 0;
  const low = Buffer.from(begin.subarray(0, 4));
  if (low.length > 0 && (low[0] as number) >> 4 === 5) low[0] = 0x50;
  for (const [kind, magic, bytes] of [
    ['gzip', magics.gzip, begin],
    ['zstd', magics.zstd, begin],
    ['zstd', skippable, low],
  ] as const)
    if (starts(magic, bytes)) return bytes.length < magic.length ? 'maybe' : kind;
  return undefined;
}

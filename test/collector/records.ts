/** The fields of struct attempt_event (bpf/attempt.h) that a case sets. The others are zero. */
export interface Fields {
  kind?: number;
  via?: number;
  family?: number;
  mapped?: number;
  saddr?: number[];
  daddr?: number[];
  sport?: number;
  error?: number;
  established?: number;
  existing?: number;
  retransmits?: number;
  pid?: number;
  nspid?: number;
  start?: bigint;
  life?: {
    after?: bigint;
    sent?: bigint;
    received?: bigint;
    segs?: number;
    srtt?: number;
    min?: number;
    by?: number;
    exiting?: 1;
  };
  dropped?: { at?: bigint; count: number; reason: number };
  icmp?: { family: number; from: number[]; type: number; code: number };
  cgroup?: bigint;
  took?: bigint;
  comm?: string;
  exe?: string;
  deleted?: number;
}

export const began = 1_763_885_730_123_456_789n; // 2025-11-23T08:15:30.123456789Z
/** Returns a record as the kernel side writes it. */
export function record(given: Fields): Buffer {
  const { kind = 1, via = 0, family = 4, mapped = 0, saddr = [], daddr = [127, 0, 0, 1], sport = 0 } = given;
  const bytes = Buffer.alloc(464);
  [1n << 63n, given.start ?? began, began + (given.took ?? 0n)].forEach((value, i) => {
    bytes.writeBigUInt64LE(value, 8 * i);
  });
  bytes.writeUInt32LE(4026531840, 24);
  bytes.writeUInt32LE(given.retransmits ?? 0, 28);
  bytes.writeUInt16LE(given.error ?? 0, 32);
  bytes.set([kind, via, given.established ?? 0, given.existing ?? 0], 34);
  bytes.set(saddr, 40);
  bytes.set(daddr, 56);
  bytes.writeUInt16LE(sport, 72);
  bytes.writeUInt16LE(443, 74);
  bytes.set([family, mapped], 76);
  const { at = 0n, count = 0, reason = 0 } = given.dropped ?? {};
  bytes.writeBigUInt64LE(at, 80);
  bytes.writeUInt32LE(count, 88);
  bytes.writeUInt32LE(reason, 92);
  const { icmp, life } = given;
  if (life) {
    const established = life.after === undefined ? 0n : began + life.after;
    [established, life.sent ?? 0n, life.received ?? 0n].forEach((value, i) => {
      bytes.writeBigUInt64LE(value, 96 + 8 * i);
    });
    [life.segs, life.srtt, life.min].forEach((value = 0, i) => {
      bytes.writeUInt32LE(value, 120 + 4 * i);
    });
    bytes.set([life.by ?? 0, life.exiting ?? 0], 132);
  }
  if (icmp) {
    bytes.set(icmp.from, 96);
    bytes.set([icmp.family, icmp.type, icmp.code], 114);
  }
  bytes.writeBigUInt64LE(given.cgroup ?? 0n, 136);
  [given.pid ?? 1234, 1236, 1, 1000, 4294967295, given.nspid ?? 0].forEach((value, i) => {
    bytes.writeUInt32LE(value, 144 + 4 * i);
  });
  bytes.writeUInt16LE(given.exe?.length ?? 0, 168);
  bytes[170] = given.deleted ?? 0;
  bytes.write(given.comm ?? 'curl', 176, 16, 'latin1');
  bytes.write('main', 192, 16, 'latin1');
  bytes.write(given.exe ?? '', 208, 256, 'latin1');
  return bytes;
}

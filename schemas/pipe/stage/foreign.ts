/** Fields that many events have. */
const ours = [
  'daddr',
  'dport',
  'saddr',
  'sport',
  'comm',
  'pcomm',
  'result',
  'latency_us',
  'error',
  'name',
  'dest',
  'pid',
];

/** Recognises binary formats by their first bytes. Returns the format and what to do, or undefined for what may be text. */
export function binary(raw: Buffer): string | undefined {
  const kinds: [bytes: string, message: string][] = [
    ['1f8b', 'is gzip; pass it through gzip -dc'],
    ['28b52ffd', 'is zstd; pass it through zstd -dc'],
    ['fd377a585a00', 'is xz; pass it through xz -dc'],
    ['425a68', 'is bzip2; pass it through bzip2 -dc'],
    ['04224d18', 'is lz4; pass it through lz4 -dc'],
    ['504b0304', 'is a zip archive; unpack it first'],
    ['50415231', 'is Parquet; read it with DuckDB'],
    ['d4c3b2a1', 'is a packet capture; read it with tcpdump -r'],
    ['0a0d0d0a', 'is a packet capture; read it with tcpdump -r'],
    ['fffe', 'is UTF-16; pass it through iconv -f UTF-16 -t UTF-8'],
    ['feff', 'is UTF-16; pass it through iconv -f UTF-16 -t UTF-8'],
  ];
  const begin = raw.toString('hex', 0, 6);
  return kinds.find(([bytes]) => begin.startsWith(bytes))?.[1];
}

/** Recognises other text by one of its first lines. Returns what it looks like and what to do; undefined if that is unknown. */
export function lookalike(line: string): string | undefined {
  const text = line.trim();
  if (/^\[\s*(\{|$)/.test(text)) return "looks like a JSON array; use jq -c '.[]'";
  if (text === '{') return 'looks like JSON on several lines per object; use jq -c .';
  if (/^[^{"\p{Cc}]+\{"type":"/u.test(text))
    return "looks like events with a prefix on each line; remove it with sed 's/^[^{]*//'";
  if (text.startsWith('{')) return lookalikeObject(text);
  if (text.startsWith('#separator')) return 'looks like a log of Zeek; synpipe reads only its own events';
  if (/^(TIME(\(s\))?\s+)?(PID|UID|T)\b.*\b(COMM|IP|SADDR|DADDR|DPORT|LADDR|RADDR)\b/.test(text))
    return 'looks like a table for people, as from bcc or sink-table; use the JSON Lines from before it was made';
  if (/^"?[A-Za-z_][\w.@ ]*"?([,;\t]"?[A-Za-z_][\w.@ ]*"?)+$/.test(text))
    return `looks like ${text.includes('\t') ? 'TSV' : 'CSV'}; make JSON Lines of it, as with mlr --i${text.includes('\t') ? 'tsv' : 'csv'} --ojsonl cat`;
  return undefined;
}

function lookalikeObject(text: string): string | undefined {
  let found: Record<string, unknown>;
  try {
    found = JSON.parse(text);
  } catch {
    return undefined;
  }
  const has = (...names: string[]) => names.every((name) => Object.hasOwn(found, name));
  if (has('type')) return undefined;
  const tool =
    (Object.keys(found).some((name) => /^process_(exec|exit|kprobe|tracepoint|uprobe|lsm)$/.test(name)) &&
      'Tetragon') ||
    (has('uid', 'id.orig_h') && 'Zeek') ||
    (has('data', 'info') && 'Kunai') ||
    (has('output_fields', 'rule') && 'Falco') ||
    ((has('runtime', 'k8s') || has('proc', 'timestamp_raw') || has('mountnsid')) && 'Inspektor Gadget');
  if (tool) return `looks like output of ${tool}; synpipe reads only its own events`;
  if (has('__REALTIME_TIMESTAMP')) return 'looks like the journal as JSON; use journalctl -o cat';
  if (ours.some((name) => has(name)))
    return "looks like events without their type, as after jq '{daddr, dport}'; keep it (jq -c '{type, v, daddr, dport}'), or use --lenient if the command has it";
  return undefined;
}

/** The types of values that options of any command take: their syntax by their name in --help (`--dport PORTS`). */
export const valueSyntax: Readonly<Record<string, string>> = {
  TIME: 'a number with a unit (us, ms, s, m, h, d), such as 500ms, 1.5h or 1h30m; a bare number is in seconds',
  SIZE: 'a number of bytes, or of units of 1024: 64K, 64k and 64KiB are the same, then M, G and T',
  PORTS: 'a list of ports, ranges and names of services, such as https,8000-8100',
  USERS: 'a list of users, by name or number',
  GROUP: 'a group, by name or number',
  ADDRS: 'a list of addresses and networks, such as 10.0.0.0/8,::1',
  NAMES:
    'a list of names, of globs (*, ?, [abc]) and of /regular expressions/, such as curl,node*; write \\, for a comma in a name',
  NETNS:
    'a list of network namespaces: a name in /run/netns, a process in it, a path, or the number in the field netns',
  PIDS: 'a list of process IDs',
};

/** Returns the syntax of the types of values among these names, for --help and the man page: `TIME is a number …`. */
export function syntaxOf(values: Iterable<string | undefined>): string[] {
  const used = new Set(values);
  return Object.entries(valueSyntax).flatMap(([name, syntax]) => (used.has(name) ? [`${name} is ${syntax}.`] : []));
}

import type { Entry, Row } from './model.js';

const quoted = (text: string) => `'${text.replace(/[\\']/g, '\\$&')}'`;
const first = (help: string) => quoted(help.split(/(?<=[^.]\w[.:]) /)[0]?.replace(/[.:]$/, '') ?? '');

/** Returns the options of `complete` for a value: words, words of a list with commas, or a path, which fish completes itself. */
function values({ value, words, list, system, path }: Row): string {
  if (value === undefined) return '';
  if (list) return ` -x -a ${quoted(`(__synpipe_list ${words.join(' ')})`)}`;
  if (system) return ` -x -a ${quoted(`(__synpipe_list (__synpipe_${system}))`)}`;
  if (words.length > 0) return ` ${path ? '-r' : '-x'} -a ${quoted(words.join(' '))}`;
  return path ? ' -r -F' : ' -x';
}

/** Returns the condition that the cursor is after `--`, where another command line follows. */
const behindCondition = (place: string) =>
  [/ -n '(.*)'/.exec(place)?.[1], 'contains -- -- (commandline -opc)'].filter(Boolean).join('; and ');

function forCommand({ name, rows, args, behind }: Entry): string[] {
  const inner = name.replace('synpipe ', '');
  const inside = `-c synpipe -n ${quoted(`__synpipe_runs ${inner}`)}`;
  const places = name.includes(' ') ? [inside] : [`-c ${name}`, inside];
  const arg = args[0];
  const given = arg?.words.length ? `-f -a ${quoted(arg.words.join(' '))}` : arg?.path || behind ? '-F' : '-f';
  return places.flatMap((place) => [
    `complete ${place} ${given}`,
    ...(behind
      ? [`complete ${place.replace(/ -n '.*/, '')} -n '${behindCondition(place)}' -a '(__synpipe_behind)'`]
      : []),
    ...rows.map((row) => {
      const letter = row.short ? ` -s ${row.short}` : '';
      return `complete ${place} -l ${row.name}${letter}${values(row)} -d ${first(row.help)}`;
    }),
  ]);
}

/** Returns the completions for fish, one file for all commands. */
export function fish(commands: readonly Entry[]): string {
  const inner = commands.filter(({ name }) => name !== 'synpipe');
  const offers = inner.map(
    ({ name, summary }) =>
      `complete -c synpipe -f -n __synpipe_begins -a ${name.replace('synpipe ', '')} -d ${quoted(summary)}`,
  );
  return `# Completions of synpipe's commands for fish: synpipe completion fish | source

function __synpipe_begins
    test (count (commandline -opc)) -eq 1
end

function __synpipe_runs
    set -l words (commandline -opc)
    test (count $words) -ge 2; and test $words[2] = $argv[1]
end

# Prints the words that may follow in a list with commas, each after what is typed so far.
function __synpipe_list
    set -l done (string match -r '^(?:--[^=]*=)?(?:.*,)?' -- (commandline -ct))
    set done (string replace -r '^--[^=]*=' '' -- $done)
    for word in $argv
        string match -q "*,$word,*" ",$done"; or echo $done$word
    end
end

function __synpipe_services
    getent services | string replace -r ' .*' ''
end

function __synpipe_users
    getent passwd | string replace -r ':.*' ''
end

function __synpipe_behind
    set -l words (commandline -opc)
    set -l at (contains -i -- -- $words)
    complete -C (string join ' ' -- (string escape -- $words[(math $at + 1)..]) (commandline -ct))
end

${[...offers, ...inner.flatMap(forCommand)].join('\n')}
`;
}

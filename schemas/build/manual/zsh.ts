import type { Entry, Row } from './model.js';

const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
/** Escapes text for an option's [explanation] or for the words of a list. */
const plain = (text: string) => text.replace(/[\\[\]:]/g, '\\$&');
const short = (help: string) => plain(help.split(/(?<=[^.]\w[.:]) /)[0]?.replace(/[.:]$/, '') ?? '');
const functionOf = (name: string) => `_synpipe_${name.replace('synpipe ', 'synpipe_').replaceAll('-', '_')}`;

function action({ value = '', words, list, path }: Row): string {
  const message = plain(value);
  if (list) return `:${message}:_values -s , ${message} ${words.map(plain).join(' ')}`;
  if (words.length > 0 && path) return `:${message}: _synpipe_words_or_files ${words.join(' ')}`;
  if (words.length > 0) return `:${message}:(${words.join(' ')})`;
  return `:${message}:${path ? '_files' : ''}`;
}

function options(row: Row): string[] {
  const { name, short: letter, value, help } = row;
  const what = `[${short(help)}]${value === undefined ? '' : action(row)}`;
  const excluded = letter ? `(-${letter} --${name})` : '';
  return [
    quoted(`${excluded}--${name}${value === undefined ? '' : '='}${what}`),
    ...(letter ? [quoted(`${excluded}-${letter}${value === undefined ? '' : '+'}${what}`)] : []),
  ];
}

function forCommand({ name, rows, args, behind }: Entry): string {
  const rest = args.map(({ words, path }, at) =>
    quoted(`${at + 1}:argument:${words.length > 0 ? `(${words.join(' ')})` : path ? '_files' : ''}`),
  );
  const specs = [
    ...rows.flatMap(options),
    ...rest,
    ...(behind ? [quoted('(-)1:command: _command_names -e'), quoted('*::arguments: _normal')] : []),
  ];
  return `${functionOf(name)}() {\n  _arguments -s -S \\\n${specs.map((spec) => `    ${spec}`).join(' \\\n')}\n}\n`;
}

/** Returns the completions for zsh, one file for all commands. */
export function zsh(commands: readonly Entry[]): string {
  const outer = commands.map(({ name }) => name).filter((name) => !name.includes(' '));
  const inner = commands.filter(({ name }) => name !== 'synpipe');
  return `#compdef ${outer.join(' ')}
# Completions of synpipe's commands for zsh: source <(synpipe completion zsh), or as _synpipe in a folder of $fpath

_synpipe_words_or_files() {
  _alternative "words:word:($*)" 'files:file:_files'
}

${inner.map(forCommand).join('\n')}
_synpipe_synpipe() {
  local -a commands=(
${inner.map(({ name, summary }) => `    ${quoted(`${name.replace('synpipe ', '')}:${summary.replaceAll(':', '\\:')}`)}`).join('\n')}
  )
  _arguments -C '1: :->command' '*:: :->rest'
  case $state in
    command) _describe command commands ;;
    rest)
      case $words[1] in
        run|demo|completion) _synpipe_synpipe_$words[1] ;;
        *) (( $+functions[_synpipe_\${words[1]//-/_}] )) && _synpipe_\${words[1]//-/_} ;;
      esac ;;
  esac
}

_synpipe() {
  _synpipe_\${service//-/_}
}

if [[ $funcstack[1] == _synpipe ]]; then _synpipe "$@"; else compdef _synpipe ${outer.join(' ')}; fi
`;
}

import { quoted } from '../../pipe/command/words.js';
import type { Entry, Row } from './model.js';

/** Escapes text for an option's [explanation] or for the words of a list. */
const plain = (text: string) => text.replace(/[\\[\]:]/g, '\\$&');
const short = (help: string) => plain(help.split(/(?<=[^.]\w[.:]) /)[0]?.replace(/[.:]$/, '') ?? '');
const functionOf = (name: string) => `_synpipe_${name.replace('synpipe ', 'synpipe_').replaceAll('-', '_')}`;

function action({ value = '', words, list, system, path }: Row): string {
  const message = plain(value);
  if (list) return `:${message}:_values -s , ${message} ${words.map(plain).join(' ')}`;
  if (system) return `:${message}:_sequence _synpipe_${system}`;
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
  const rest = args.map(({ words, path, repeats }, at) =>
    quoted(`${repeats ? '*' : at + 1}:argument:${words.length > 0 ? `(${words.join(' ')})` : path ? '_files' : ''}`),
  );
  const specs = [...rows.flatMap(options), ...rest];
  return `${functionOf(name)}() {\n${behind ? '  _synpipe_behind && return\n' : ''}  _arguments -s -S \\\n${specs.map((spec) => `    ${spec}`).join(' \\\n')}\n}\n`;
}

/** Returns the completions for zsh, one file for all commands. */
export function zsh(commands: readonly Entry[]): string {
  const outer = commands.map(({ name }) => name).filter((name) => !name.includes(' '));
  const parts = commands.flatMap(({ name }) => (name.includes(' ') ? name.replace('synpipe ', '') : []));
  const inner = commands.filter(({ name }) => name !== 'synpipe');
  return `#compdef ${outer.join(' ')}
# Completions of synpipe's commands for zsh: source <(synpipe completion zsh), or as _synpipe in a folder of $fpath

_synpipe_words_or_files() {
  _alternative "words:word:($*)" 'files:file:_files'
}

_synpipe_users() {
  _users "$@"
}

_synpipe_services() {
  local -a names=(\${\${(f)"$(getent services)"}%% *})
  compadd "$@" -a names
}

# Completes another command line after --. Fails if there is no -- before the cursor.
_synpipe_behind() {
  local at=\${words[(i)--]}
  (( at < CURRENT )) || return
  shift at words
  (( CURRENT -= at ))
  if (( CURRENT == 1 )); then _command_names -e; else _normal; fi
  return 0
}

${inner.map(forCommand).join('\n')}
_synpipe_synpipe() {
  local -a subcommands=( # zsh has a parameter named commands
${inner.map(({ name, summary }) => `    ${quoted(`${name.replace('synpipe ', '')}:${summary.replaceAll(':', '\\:')}`)}`).join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe command subcommands
    return
  fi
  shift words
  (( CURRENT-- ))
  case $words[1] in
    ${parts.join('|')}) _synpipe_synpipe_$words[1] ;;
    *) (( $+functions[_synpipe_\${words[1]//-/_}] )) && _synpipe_\${words[1]//-/_} ;;
  esac
}

_synpipe() {
  _synpipe_\${service//-/_}
}

if [[ $funcstack[1] == _synpipe ]]; then _synpipe "$@"; else compdef _synpipe ${outer.join(' ')}; fi
`;
}

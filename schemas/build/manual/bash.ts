import { quoted } from '../../pipe/command/words.js';
import type { Entry, Row } from './model.js';

const names = ({ name, short }: Row) => [`--${name}`, ...(short ? [`-${short}`] : [])];

/** Returns what completes an option's value: `words`, `words-or-path` or `list` with the words, or `services`, `users`, `path` or `none`. */
function kind({ words, list, system, path }: Row): string {
  if (words.length > 0) return [list ? 'list' : path ? 'words-or-path' : 'words', ...words].join(' ');
  return system ?? (path ? 'path' : 'none');
}

function forCommand({ name, rows, args, behind }: Entry): string {
  const values = rows
    .filter(({ value }) => value !== undefined)
    .map((row) => `        ${names(row).map(quoted).join('|')}) echo ${quoted(kind(row))} ;;\n`);
  const arg = args[0]?.words.length
    ? `words ${args[0].words.join(' ')}`
    : args.some(({ path }) => path)
      ? 'path'
      : 'none';
  return `    ${quoted(name)})
      case $2 in
        options) echo ${quoted(rows.flatMap(names).join(' '))} ;;
        argument) echo ${quoted(behind ? `${arg} command` : arg)} ;;
${values.join('')}      esac ;;
`;
}

/** Returns the completions for bash, one file for all commands. They need only bash itself. */
export function bash(commands: readonly Entry[]): string {
  const inner = commands.filter(({ name }) => name !== 'synpipe').map(({ name }) => name.replace('synpipe ', ''));
  const outer = commands.map(({ name }) => name).filter((name) => !name.includes(' '));
  const parts = commands.flatMap(({ name }) => (name.includes(' ') ? name.replace('synpipe ', '') : []));
  return `# Completions of synpipe's commands for bash: source <(synpipe completion bash)

# Prints what command $1 takes: its options ($2 is options), its argument ($2 is argument), or the value of option $2.
_synpipe_takes() {
  case $1 in
${commands.map(forCommand).join('')}  esac
}

# Offers completions of the word $1. $2 is their kind; the words to choose from follow.
_synpipe_offer() {
  local word=$1 kind=$2 done= one
  shift 2
  case $kind in
    services) mapfile -t < <(compgen -s) && set -- "\${MAPFILE[@]}" && kind=list ;;
    users) mapfile -t < <(compgen -u) && set -- "\${MAPFILE[@]}" && kind=list ;;
  esac
  case $kind in
    list)
      [[ $word != *,* ]] || done=\${word%,*},
      for one in "$@"; do [[ ,$done != *,$one,* && $done$one == "$word"* ]] && COMPREPLY+=("$done$one"); done
      compopt -o nospace 2>/dev/null ;;
    words*) mapfile -t COMPREPLY < <(compgen -W "$*" -- "$word") ;;
    command) mapfile -t COMPREPLY < <(compgen -c -- "$word") ;;
  esac
  case $kind in
    *path) mapfile -t -O "\${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$word"); compopt -o filenames 2>/dev/null ;;
  esac
}

_synpipe() {
  local command=\${COMP_WORDS[0]##*/} word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD - 1]} first=1 takes i
  COMPREPLY=()
  if [[ $command == synpipe && COMP_CWORD -eq 1 ]]; then
    mapfile -t COMPREPLY < <(compgen -W ${quoted([...inner, '--help', '--version'].join(' '))} -- "$word")
    return
  fi
  if [[ $command == synpipe ]]; then
    command=\${COMP_WORDS[1]} first=2
    case $command in ${parts.join('|')}) command="synpipe $command" ;; esac
  fi
  # readline splits --option=value into three words
  if [[ $word == '=' ]]; then word=; elif [[ $before == '=' ]]; then before=\${COMP_WORDS[COMP_CWORD - 2]}; fi
  takes=
  if (( COMP_CWORD > first )) && [[ $before == -* ]]; then takes=$(_synpipe_takes "$command" "$before"); fi
  if [[ -z $takes && $word == -* ]]; then takes="words $(_synpipe_takes "$command" options)"; fi
  if [[ -z $takes ]]; then
    takes=$(_synpipe_takes "$command" argument)
    if [[ $takes == *' command' ]]; then
      takes=\${takes% command}
      for (( i = first; i < COMP_CWORD; i++ )); do [[ \${COMP_WORDS[i]} == -- ]] && break; done
      if (( i == COMP_CWORD - 1 )); then takes=command; elif (( i < COMP_CWORD )); then takes=path; fi
    fi
  fi
  # shellcheck disable=SC2086
  [[ -z $takes ]] || _synpipe_offer "$word" $takes
}
complete -F _synpipe ${outer.join(' ')}
`;
}

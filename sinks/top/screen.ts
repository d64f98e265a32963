/** What is on the terminal's screen. Draws only the lines that have changed. */
export class Screen {
  #lines: string[] = [];
  #isUnknown = true;

  /** Draws everything the next time: something else may have written to the terminal, or its size has changed. */
  forget(): void {
    this.#isUnknown = true;
  }

  /** Returns what to write so that these lines are shown; nothing if they are already. */
  draw(lines: readonly string[]): string {
    const old = this.#isUnknown ? [] : this.#lines;
    const changed = lines.flatMap((line, row) => (old[row] === line ? [] : `\x1b[${row + 1};1H\x1b[2K${line}`));
    const clear = this.#isUnknown ? '\x1b[2J' : '';
    this.#lines = [...lines];
    this.#isUnknown = false;
    // the newline that follows each text moves only the cursor, from the first line to the second
    return changed.length === 0 && clear === '' ? '' : `${clear}${changed.join('')}\x1b[H`;
  }
}

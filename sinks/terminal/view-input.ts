/** What a view has to know about its input. */
export interface ViewInput {
  /** What people call it. */
  source: string;
  /** How many times as fast as they happened the events come. */
  speed: number;
  /** Ends the input early. */
  quit(): void;
  /** Passes on what the commands that produce the events write to stderr. */
  listen?(take: (message: string) => void): void;
  /** Why the input ended too early. */
  readonly failure?: Error | undefined;
}

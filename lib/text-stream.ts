/** What is written to people: `process.stdout` and `process.stderr` are such streams. */
export interface TextStream {
  /** Whether it is a terminal. */
  readonly isTTY?: boolean;
  /** Size of the terminal in characters; 0 or missing when it is not known. */
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
}

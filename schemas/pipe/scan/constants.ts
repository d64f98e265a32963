/** The kind of a line that the scanner does not accept: JSON.parse and ajv decide. */
export const unknownKind = -1;

/** The scanner compares several bytes at once, and may read this many bytes after the last newline. */
export const slack = 64;

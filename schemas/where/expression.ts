/** A field of the event: by a name of the schema, or, `.name`, by any. */
export interface FieldName {
  name: string;
  own: boolean;
  at: number;
}

/** A literal as written: its text, and whether that was in quotes. What it means depends on the field. */
export interface Literal {
  text: string;
  quoted: boolean;
  at: number;
}

export type Order = '==' | '!=' | '<' | '<=' | '>' | '>=';

/** What a field is compared with. */
export type Comparison =
  | { kind: 'compare'; field: FieldName; operator: Order; value: Literal }
  | { kind: 'in'; field: FieldName; not: boolean; values: Literal[] }
  | { kind: 'match'; field: FieldName; not: boolean; source: string; flags: string; at: number };

/** An expression of --where. `at` is always the index in its text. */
export type Expression =
  | { kind: 'and' | 'or'; of: Expression[] }
  | { kind: 'not'; of: Expression }
  | { kind: 'has'; field: FieldName }
  | Comparison;

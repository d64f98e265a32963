/** A field of the event. `own` is true for `.name`, which may be a field that is in no schema. */
export interface FieldName {
  name: string;
  own: boolean;
  at: number;
}

/** A literal as written. What it means depends on the field that it is compared with. */
export interface Literal {
  text: string;
  quoted: boolean;
  at: number;
}

export type Order = '==' | '!=' | '<' | '<=' | '>' | '>=';

/** A comparison of a field with one or more values. */
export type Comparison =
  | { kind: 'compare'; field: FieldName; operator: Order; value: Literal }
  | { kind: 'in'; field: FieldName; not: boolean; values: Literal[] }
  | { kind: 'match'; field: FieldName; not: boolean; source: string; flags: string; at: number };

/** An expression of --where. `at` is always an index in its text. */
export type Expression =
  | { kind: 'and' | 'or'; of: Expression[] }
  | { kind: 'not'; of: Expression }
  | { kind: 'has'; field: FieldName }
  | Comparison;

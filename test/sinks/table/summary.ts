/** The command under test, and summaries for it. */
export const command = ['sink-table', '--live'];
const window = (minute: number) => ({
  ts: `2026-11-23T08:0${minute}:00.000000Z`,
  end: `2026-11-23T08:0${minute + 1}:00.000000Z`,
});
export const summary = (minute: number, comm: string, count: number, more: object = {}) => ({
  type: 'summary',
  v: 1,
  ...window(minute),
  by: 'name',
  name: comm,
  count,
  ...more,
});

import type { PageState } from '../state.js';
import type { View } from './view.js';

/** Returns why no attempt is shown, and what to expect. */
export function emptyText(connected: boolean, state: PageState | undefined, view: View, paused: boolean): string {
  if (!state && !connected) return 'Connecting to sink-web. This page tries again every second.';
  if (!state?.complete) return 'Loading events.';
  if (state.total === 0 && state.ended) return 'The input ended. It had no attempts.';
  if (state.total === 0) return 'Waiting for events. An attempt appears here when a process connects.';
  const parts = [
    ...(view.where === '' ? [] : ['the filter']),
    ...(view.search === '' ? [] : ['the search']),
    ...(view.last === 0 && !view.range ? [] : ['the time']),
  ];
  if (parts.length === 0)
    return paused ? 'Paused before the first event. Resume to see what has arrived.' : 'Loading events.';
  const until = state.ended ? 'The input ended.' : 'New attempts that match appear here.';
  return `No attempt matches ${parts.join(' and ')}. ${until}`;
}

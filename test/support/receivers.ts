/**
 * Stand-ins for log stores that cannot be installed here, each following its documented protocol: what it checks in a
 * request, how it answers, what it does with a repeated batch. `stored` is what a query would return.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { wrongInLogs, wrongInMetrics } from './otlp.js';
import type { Behaviour, Got } from './receiver.js';

export interface Store {
  /** Each stored event, as received. */
  stored: Record<string, unknown>[];
  behaviour: Behaviour;
}

type Reply = { status: number; body?: unknown; headers?: Record<string, string> };

function store(answer: (got: Got, stored: Store['stored'], headers: IncomingHttpHeaders) => Reply): Store {
  const stored: Store['stored'] = [];
  const behaviour: Behaviour = (got, response) => {
    const { status, body, headers } = answer(got, stored, got.request.headers);
    response.writeHead(status, headers);
    response.end(body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body));
  };
  return { stored, behaviour };
}

const lines = (text: string) => text.split('\n').slice(0, -1);
const wholeLines = (text: string) => text.endsWith('\n');

/** A table that remembers the tokens of its inserts. A row that is not JSON fails the whole insert. */
export function clickhouse(table: string): Store {
  const tokens = new Set<string>();
  return store(({ url, body }, stored) => {
    const query = url.searchParams.get('query') ?? '';
    const failed = (status: number, code: number, text: string): Reply => ({
      status,
      headers: { 'x-clickhouse-exception-code': String(code) },
      body: `Code: ${code}. DB::Exception: ${text}`,
    });
    const [, into, format] = /^INSERT INTO ([\w.]+) FORMAT (\w+)$/.exec(query) ?? [];
    if (format !== 'JSONEachRow') return failed(400, 62, 'Syntax error');
    if (into !== table) return failed(404, 60, `Table ${into} does not exist. (UNKNOWN_TABLE)`);
    const token = url.searchParams.get('insert_deduplication_token');
    if (token && tokens.has(token)) return { status: 200 };
    const rows = lines(body).map((line) => JSON.parse(line));
    if (rows.some((row) => row.dport === 13)) return failed(400, 27, 'Cannot parse input: (at row 2)');
    if (token) tokens.add(token);
    stored.push(...rows);
    return { status: 200 };
  });
}

/** The bulk API: creates by ID, with a result for each. Defers dport 80 the first time, and cannot map dport 13. */
export function elasticsearch(index: string): Store {
  const ids = new Set<string>();
  const seen = new Set<string>();
  return store(({ url, body }, stored, headers) => {
    if (url.pathname !== '/_bulk') return { status: 405, body: { error: 'Incorrect HTTP method' } };
    if (!/^application\/(x-nd)?json/.test(headers['content-type'] ?? '')) return { status: 406 };
    if (!wholeLines(body)) return { status: 400, body: { error: { reason: 'must be terminated by a newline' } } };
    const items: object[] = [];
    const all = lines(body);
    for (let at = 0; at < all.length; at += 2) {
      const { _index, _id } = JSON.parse(all[at] as string).create;
      const event = JSON.parse(all[at + 1] as string);
      const item = (status: number, type?: string) =>
        items.push({ create: { _index, _id, status, ...(type && { error: { type, reason: `because of ${type}` } }) } });
      if (_index !== index) item(404, 'index_not_found_exception');
      else if (ids.has(_id)) item(409, 'version_conflict_engine_exception');
      else if (event.dport === 13) item(400, 'document_parsing_exception');
      else if (event.dport === 80 && !seen.has(_id)) {
        seen.add(_id);
        item(429, 'es_rejected_execution_exception');
      } else {
        ids.add(_id);
        stored.push(event);
        item(201);
      }
    }
    const errors = items.some((one) => (Object.values(one)[0] as { status: number }).status >= 300);
    return { status: 200, body: { took: 1, errors, items } };
  });
}

/**
 * The push API: entries with equal time, labels and text are one entry. As in Loki's own code, the ingester ignores
 * entries of dport 13 for their time, the distributor those of dport 14, and label errors affect a whole stream. It
 * stores the other entries, and answers 400.
 */
export function loki(): Store & { labels: Set<string> } {
  const entries = new Set<string>();
  const labels = new Set<string>();
  const made = store(({ url, body }, stored, headers) => {
    if (url.pathname !== '/loki/api/v1/push') return { status: 404, body: '404 page not found' };
    if (headers['content-type'] !== 'application/json') return { status: 415 };
    const old: string[] = [];
    const behind: string[] = [];
    let all = 0;
    for (const { stream, values } of JSON.parse(body).streams) {
      const names = Object.entries(stream);
      if (names.length === 0) return { status: 400, body: 'error at least one label pair is required per stream' };
      for (const [name, value] of names) {
        if (!/^[a-zA-Z_]\w*$/.test(name) || typeof value !== 'string')
          return { status: 400, body: 'error parsing labels' };
      }
      const text = `{${names.map(([name, value]) => `${name}="${value}"`).join(', ')}}`;
      if (text.length > 200) return { status: 400, body: `stream '${text}' has label value too long: '${text}'` };
      labels.add(JSON.stringify(stream));
      for (const [at, line] of values) {
        if (!/^\d{19}$/.test(at) || typeof line !== 'string') return { status: 400, body: 'loghttp.PushRequest' };
        all++;
        const { dport, ...event } = JSON.parse(line);
        const entry = JSON.stringify([stream, at, line]);
        if (dport === 14) old.push(`entry for stream '${text}' has timestamp too old: ${at}, oldest acceptable: ${at}`);
        else if (dport === 13) behind.push(`entry with timestamp ${at} ignored, reason: 'entry too far behind',\n`);
        else if (!entries.has(entry)) stored.push({ dport, ...event, at });
        entries.add(entry);
      }
    }
    if (behind.length > 0) {
      const shown = behind.slice(0, 10).join('');
      return { status: 400, body: `${shown}user 'fake', total ignored: ${behind.length} out of ${all} for stream: {}` };
    }
    const groups = new Map<string, number>();
    for (const one of old) groups.set(one, (groups.get(one) ?? 0) + 1);
    const errors = [...groups].map(([text, n]) => (old.length > 1 ? `${n} errors like: ${text}` : text));
    return old.length > 0 ? { status: 400, body: errors.join('; ') } : { status: 204 };
  });
  return { ...made, labels };
}

/** The JSON stream API: the request must name the fields that hold the time and the message. */
export function victorialogs(): Store {
  return store(({ url, body }, stored) => {
    if (url.pathname !== '/insert/jsonline')
      return { status: 400, body: `unsupported path requested: ${url.pathname}` };
    const time = url.searchParams.get('_time_field') ?? '_time';
    const message = (url.searchParams.get('_msg_field') ?? '_msg').split(',');
    for (const line of lines(body)) {
      const event = JSON.parse(line);
      if (time in event && Number.isNaN(Date.parse(event[time]))) return { status: 400, body: `cannot parse ${time}` };
      const found = message.find((name) => name in event);
      stored.push({ ...event, ...(found && { _msg: event[found] }) });
    }
    return { status: 200 };
  });
}

/** The HTTP event collector, with a token. It is busy at its first request. */
export function splunk(token: string): Store {
  let busy = true;
  return store(({ url, body }, stored, headers) => {
    if (url.pathname !== '/services/collector/event') return { status: 404, body: { text: 'not found', code: 404 } };
    if (headers.authorization !== `Splunk ${token}`) return { status: 403, body: { text: 'Invalid token', code: 4 } };
    if (busy) {
      busy = false;
      return { status: 503, body: { text: 'Server is busy', code: 9 } };
    }
    for (const text of lines(body)) {
      const { time, event, source } = JSON.parse(text);
      if (event === undefined) return { status: 400, body: { text: 'Event field is required', code: 12 } };
      stored.push({ ...event, time, source });
    }
    return { status: 200, body: { text: 'Success', code: 0 } };
  });
}

const eventIn = (text: string): object => (text.startsWith('{') ? JSON.parse(text) : {});

/** OTLP over HTTP with JSON: takes all records but those of dport 13, and says how many it rejected. */
export function otlp(): Store {
  return store(({ url, body }, stored, headers) => {
    if (!['/v1/logs', '/v1/metrics'].includes(url.pathname)) return { status: 404 };
    if (headers['content-type'] !== 'application/json') return { status: 415 };
    const isMetrics = url.pathname === '/v1/metrics';
    const wrong = isMetrics ? wrongInMetrics(body) : wrongInLogs(body);
    if (wrong) return { status: 400, body: wrong };
    if (isMetrics) return { status: 200, body: { partialSuccess: {} } };
    let rejected = 0;
    for (const { scopeLogs } of JSON.parse(body).resourceLogs) {
      for (const { logRecords } of scopeLogs) {
        for (const { timeUnixNano, body: text, attributes, severityNumber } of logRecords) {
          if (!/^\d+$/.test(timeUnixNano) || typeof text.stringValue !== 'string') return { status: 400 };
          const values = Object.fromEntries(
            attributes.map(({ key, value }: { key: string; value: object }) => [key, value]),
          );
          if (values.dport?.intValue === '13') rejected++;
          else stored.push({ ...eventIn(text.stringValue), timeUnixNano, severityNumber, values });
        }
      }
    }
    const partialSuccess = rejected > 0 ? { rejectedLogRecords: String(rejected), errorMessage: 'dport 13' } : {};
    return { status: 200, body: { partialSuccess } };
  });
}

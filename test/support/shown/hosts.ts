/** The names in the pages' command lines, and their addresses in the namespace where these run. */
export const hosts = {
  ch: '127.0.1.1',
  es: '127.0.1.2',
  otel: '127.0.1.3',
  'loki.example.com': '127.0.1.4',
  'logs.example.com': '127.0.1.5',
  'example.com': '127.0.1.6',
  nats: '127.0.1.7',
  n1: '127.0.1.8',
  n2: '127.0.1.8',
  n3: '127.0.1.8',
};

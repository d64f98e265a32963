/** What is used of the NATS client, loaded when a command connects. The build makes it a file that all commands share. */
export { JetStreamApiError, jetstreamManager } from '@nats-io/jetstream';
export {
  connect,
  createInbox,
  credsAuthenticator,
  errors,
  headers,
  nkeyAuthenticator,
  tokenAuthenticator,
  usernamePasswordAuthenticator,
} from '@nats-io/transport-node';

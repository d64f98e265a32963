/**
 * Options for a Worker. By default Node connects its output to process.stdout and process.stderr, and so makes fd 1 and 2
 * non-blocking, also for every other process that shares them: tee, for one, then fails with EAGAIN.
 */
export const ownStreams = { stdout: true, stderr: true };

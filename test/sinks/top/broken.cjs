// Makes synpipe top fail at a signal, as a bug would: inside the stage at SIGALRM, outside of it at SIGUSR2.
const fail = () => {
  throw new Error('a bug of the test');
};
if (process.argv[2] === 'top') {
  process.on('SIGALRM', () => Object.defineProperty(process.stdout, 'columns', { get: fail }));
  process.on('SIGUSR2', fail);
}

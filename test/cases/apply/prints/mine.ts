console.log('loaded');

export default (event: { dport: number }) => {
  console.log('dport %d', event.dport);
  console.table([{ dport: event.dport }]);
  console.error('error');
  process.stdout.write('written\n');
  return true;
};

export default (event: object) => {
  console.log('x'.repeat(1000), event);
  return true;
};

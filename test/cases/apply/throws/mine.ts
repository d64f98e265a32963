export default () => {
  throw new Error('mine');
};

export default () => ({ type: 'lost' });

export default ({ result }) => result !== 'established';

export const types = ['lost'];
export default () => false;

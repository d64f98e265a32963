export default (event: object) => [event, { type: 'x' }];

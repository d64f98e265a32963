export default (event: object) => ({ ...event, team: 'web' });

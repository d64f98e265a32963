export default (event) => event.type === 'pending' && { ...event, team: 'web' };

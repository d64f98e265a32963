export default (event: { result?: string }) => event.result !== 'established';

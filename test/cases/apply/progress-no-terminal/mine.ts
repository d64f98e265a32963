export default (event: { dport?: number }) => event.dport === 443;

export default async (event: { dport: number }) => event.dport === 80;

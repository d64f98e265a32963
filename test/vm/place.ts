import { once } from 'node:events';
import { parse, type Said } from '../live/client.js';
import { Net } from '../live/net.js';

export type Command = (string | number)[];
export interface Ran {
  /** The client's process, and those that it reported. */
  pids: Set<number>;
  said: Said;
}

/** A namespace with a client that was compiled outside, since compiling under emulation takes long. */
export class Place extends Net {
  static client = process.env.SYNPIPE_VM_CLIENT ?? '';

  override start(args: Command): ReturnType<Net['start']> {
    const child = this.spawn([Place.client, ...args.map(String)], ['pipe', 'pipe', 'inherit']);
    const parts: Buffer[] = [];
    child.stdout?.on('data', (part) => parts.push(part));
    const closed = once(child, 'close');
    const finish = async () => {
      child.stdin?.end();
      const [code, signal] = await closed;
      if (code !== 0) throw new Error(`the client exited with ${code ?? signal}: ${child.spawnargs.join(' ')}`);
      return parse(Buffer.concat(parts).toString());
    };
    return { child, finish };
  }

  async drive(commands: Command[]): Promise<Ran> {
    const ran: Ran = { pids: new Set(), said: { attempts: [], later: [] } };
    for (const command of commands) {
      const { child, finish } = this.start(command);
      const said = await finish();
      ran.pids.add(child.pid as number);
      for (const { pid } of said.attempts) ran.pids.add(pid);
      ran.said.attempts.push(...said.attempts);
      ran.said.later.push(...said.later);
      if (said.unavailable) ran.said.unavailable = said.unavailable;
    }
    return ran;
  }
}

/** The parts of WebAssembly used here, which Node's types leave out. */
declare namespace WebAssembly {
  class Module {
    constructor(code: Uint8Array);
  }
  class Memory {
    constructor(limits: { initial: number; maximum: number });
    readonly buffer: ArrayBuffer;
  }
  class Instance {
    constructor(module: Module, imports: { env: { memory: Memory } });
    readonly exports: unknown;
  }
}

/** Whether Node has WebAssembly: not with --jitless. */
export const present = typeof WebAssembly === 'object';

export type Memory = WebAssembly.Memory;

/** Returns memory of `initial` pages (64 KiB), which grows in place. */
export function newMemory(initial: number, maximum: number): Memory {
  return new WebAssembly.Memory({ initial, maximum });
}

/** Returns a function that instantiates a module (base64) with a memory. The first call compiles the module. */
export function instances<Exports>(code: string): (memory: Memory) => Exports {
  let module: WebAssembly.Module | undefined;
  return (memory) => {
    module ??= new WebAssembly.Module(Buffer.from(code, 'base64'));
    return new WebAssembly.Instance(module, { env: { memory } }).exports as Exports;
  };
}

/** What is used here of the WebAssembly that Node has and its types leave out. */
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

/** Not with --jitless. */
export const present = typeof WebAssembly === 'object';

export type Memory = WebAssembly.Memory;

/** Memory of so many pages (64 KiB), which grows in place. */
export function newMemory(initial: number, maximum: number): Memory {
  return new WebAssembly.Memory({ initial, maximum });
}

/** Makes instances of a module (base64), each for its memory. It is compiled for the first. */
export function instances<Exports>(code: string): (memory: Memory) => Exports {
  let module: WebAssembly.Module | undefined;
  return (memory) => {
    module ??= new WebAssembly.Module(Buffer.from(code, 'base64'));
    return new WebAssembly.Instance(module, { env: { memory } }).exports as Exports;
  };
}

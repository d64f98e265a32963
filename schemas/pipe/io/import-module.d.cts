/** Imports a module, given its name or URL. */
export function importModule(name: string): Promise<unknown>;

/**
 * The folder of the build output, dist/, as a URL. Only this module may use `import.meta.url`: the build bundles the modules of
 * a command into one file, so its value would change, and replaces it here.
 */
export const dist = new URL(import.meta.url.endsWith('.ts') ? '../../../dist/' : '../../../', import.meta.url);

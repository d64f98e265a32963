import { execFileSync, type StdioOptions, spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { IDaemonSet } from 'kubernetes-models/apps/v1/DaemonSet';
import { type Block, blocks } from '../support/documents.js';

/** Reads the manifest in the page of recipes. */
export function manifestOf(page: string): IDaemonSet {
  const yaml = createRequire(import.meta.url)('js-yaml') as { load(text: string): IDaemonSet };
  const [block] = blocks(page).filter(({ text }) => text.includes('kind: DaemonSet')) as [Block];
  return yaml.load(block.text);
}

/**
 * Unpacks the image of one processor (OCI's name) into a bundle for a container runtime. Returns its folder, and the size of what
 * a registry would send (bytes).
 */
export function unpack(archive: string, arch: string, folder: string): { bundle: string; size: number } {
  const [layout, bundle] = [join(folder, `${arch}-layout`), join(folder, `${arch}-bundle`)];
  const quiet: { stdio: StdioOptions } = { stdio: ['ignore', 'ignore', 'inherit'] };
  execFileSync('skopeo', ['--override-arch', arch, 'copy', `oci-archive:${archive}`, `oci:${layout}:image`], quiet);
  execFileSync('umoci', ['unpack', '--image', `${layout}:image`, bundle], quiet);
  const blobs = join(layout, 'blobs/sha256');
  return { bundle, size: readdirSync(blobs).reduce((sum, name) => sum + statSync(join(blobs, name)).size, 0) };
}

interface Spec {
  process: { args: string[]; terminal: boolean; noNewPrivileges: boolean; capabilities: Record<string, string[]> };
  root: { readonly: boolean };
  mounts: { destination: string; source: string; type: string; options: string[] }[];
  linux: { namespaces: { type: string }[] };
}

/**
 * Runs a bundle as the manifest says, with what a node gives its container: its command, capabilities, root file system,
 * PID namespace and volumes. `more` are capabilities that this machine's tier needs. Returns the process of the runtime.
 */
export function runAs(manifest: IDaemonSet, bundle: string, more: string[] = []) {
  const pod = manifest.spec?.template.spec;
  const container = pod?.containers[0];
  const { capabilities, ...context } = container?.securityContext ?? {};
  if (!container?.command || capabilities?.drop?.[0] !== 'ALL' || context.runAsUser !== 0)
    throw new Error('the manifest has changed: this does not run it as it says');
  const path = join(bundle, 'config.json');
  const spec = JSON.parse(readFileSync(path, 'utf8')) as Spec;
  const granted = [...(capabilities.add ?? []), ...more].map((name) => `CAP_${name}`);
  spec.process.args = container.command;
  spec.process.terminal = false;
  spec.process.noNewPrivileges = context.allowPrivilegeEscalation === false;
  spec.process.capabilities = { bounding: granted, effective: granted, permitted: granted };
  spec.root.readonly = context.readOnlyRootFilesystem === true;
  if (pod?.hostPID) spec.linux.namespaces = spec.linux.namespaces.filter(({ type }) => type !== 'pid');
  for (const { name, mountPath, readOnly } of container.volumeMounts ?? []) {
    const source = pod?.volumes?.find((volume) => volume.name === name)?.hostPath?.path;
    if (source === undefined) throw new Error(`the volume ${name} has no path`);
    spec.mounts = spec.mounts.filter(({ destination }) => destination !== mountPath);
    spec.mounts.push({ destination: mountPath, source, type: 'bind', options: ['rbind', readOnly ? 'ro' : 'rw'] });
  }
  writeFileSync(path, JSON.stringify(spec));
  const state = join(bundle, 'state');
  mkdirSync(state);
  return spawn('runc', ['--root', state, 'run', '--bundle', bundle, `synpipe-test-${process.pid}`]);
}

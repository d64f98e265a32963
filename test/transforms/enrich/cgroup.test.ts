import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type CgroupInfo, parseCgroupPath } from '../../../transforms/enrich/cgroup.js';

const id = '4f1c0a9d3b5e'.repeat(6).slice(0, 64);
const other = 'a'.repeat(64);
const uid = '0d8b1c1e-3c55-4ea0-a2a8-0c3f1cf6c2b1';
const sliced = uid.replaceAll('-', '_');
const kubepods = `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${sliced}.slice`;

/** Paths as the runtimes make them, and what they say. */
const paths: [string, CgroupInfo][] = [
  ['/', {}],
  ['/system.slice/nginx.service', { unit: 'nginx.service' }],
  ['/system.slice/system-getty.slice/getty@tty1.service', { unit: 'getty@tty1.service' }],
  ['/system.slice/nginx.service/workers', { unit: 'nginx.service' }],
  ['/user.slice/user-1000.slice/session-2.scope', { unit: 'session-2.scope' }],
  ['/user.slice/user-1000.slice/user@1000.service/app.slice/app-firefox-42.scope', { unit: 'app-firefox-42.scope' }],
  ['/user.slice/user-1000.slice/user@1000.service/init.scope', { unit: 'init.scope' }],
  ['/system.slice', {}],
  // docker
  [`/system.slice/docker-${id}.scope`, { unit: `docker-${id}.scope`, container: id, runtime: 'docker' }],
  [`/docker/${id}`, { container: id, runtime: 'docker' }],
  [`/docker/${id}/docker/${other}`, { container: other, runtime: 'docker' }],
  [`/docker/${id}/system.slice/cron.service`, { unit: 'cron.service', container: id, runtime: 'docker' }],
  [
    `/user.slice/user-1000.slice/user@1000.service/user.slice/docker-${id}.scope`,
    { unit: `docker-${id}.scope`, container: id, runtime: 'docker' },
  ],
  [`/ecs/7d2c/${id}`, { container: id, runtime: 'docker' }],
  // podman
  [`/machine.slice/libpod-${id}.scope/container`, { unit: `libpod-${id}.scope`, container: id, runtime: 'podman' }],
  [`/libpod_parent/libpod-${id}`, { container: id, runtime: 'podman' }],
  [
    `/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-${id}.scope/container`,
    { unit: `libpod-${id}.scope`, container: id, runtime: 'podman' },
  ],
  [`/machine.slice/libpod-conmon-${id}.scope`, { unit: `libpod-conmon-${id}.scope` }],
  // containerd without kubernetes
  [`/system.slice/nerdctl-${id}.scope`, { unit: `nerdctl-${id}.scope`, container: id, runtime: 'containerd' }],
  // kubernetes, systemd driver
  [
    `${kubepods}/cri-containerd-${id}.scope`,
    { unit: `cri-containerd-${id}.scope`, container: id, runtime: 'containerd', pod: uid },
  ],
  [`${kubepods}/crio-${id}.scope`, { unit: `crio-${id}.scope`, container: id, runtime: 'cri-o', pod: uid }],
  [`${kubepods}/crio-conmon-${id}.scope`, { unit: `crio-conmon-${id}.scope`, pod: uid }],
  [`${kubepods}/docker-${id}.scope`, { unit: `docker-${id}.scope`, container: id, runtime: 'docker', pod: uid }],
  [
    `/kubepods.slice/kubepods-pod${sliced}.slice/cri-containerd-${id}.scope`,
    { unit: `cri-containerd-${id}.scope`, container: id, runtime: 'containerd', pod: uid },
  ],
  [
    `/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-besteffort.slice/kubelet-kubepods-besteffort-pod${sliced}.slice/cri-containerd-${id}.scope`,
    { unit: `cri-containerd-${id}.scope`, container: id, runtime: 'containerd', pod: uid },
  ],
  [
    `/system.slice/containerd.service/kubepods-burstable-pod${sliced}.slice:cri-containerd:${id}`,
    { unit: 'containerd.service', container: id, runtime: 'containerd', pod: uid },
  ],
  // kubernetes, cgroupfs driver
  [`/kubepods/burstable/pod${uid}/${id}`, { container: id, pod: uid }],
  [`/kubepods/pod${uid}/${id}`, { container: id, pod: uid }],
  [
    `/kubepods/besteffort/pod${'0123456789abcdef'.repeat(2)}/${id}`,
    { container: id, pod: '0123456789abcdef'.repeat(2) },
  ],
  [`/kubepods/burstable/pod${uid}/crio-${id}`, { container: id, runtime: 'cri-o', pod: uid }],
  [`/kubepods/burstable/pod${uid}`, { pod: uid }],
  // lxc, nspawn, virtual machines
  ['/lxc.payload.web/system.slice/nginx.service', { unit: 'nginx.service', container: 'web', runtime: 'lxc' }],
  ['/lxc/web', { container: 'web', runtime: 'lxc' }],
  ['/lxc.monitor.web', {}],
  [
    '/machine.slice/systemd-nspawn@deb\\x2d12.service/payload',
    { unit: 'systemd-nspawn@deb\\x2d12.service', container: 'deb-12', runtime: 'nspawn' },
  ],
  ['/machine.slice/machine-deb.scope', { unit: 'machine-deb.scope', container: 'deb', runtime: 'nspawn' }],
  ['/machine.slice/machine-qemu\\x2d1\\x2dvm.scope/libvirt', { unit: 'machine-qemu\\x2d1\\x2dvm.scope' }],
  // only look like one
  [`/system.slice/docker.service`, { unit: 'docker.service' }],
  [`/mine/${id}`, {}],
  [`/docker/${id.slice(1)}`, {}],
  [`/podcast/pod1`, {}],
];

for (const [path, wanted] of paths) {
  test(path.replaceAll(id, 'ID').replaceAll(other, 'OTHER'), () => assert.deepEqual(parseCgroupPath(path), wanted));
}

test('any path gives a result', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.string(), fc.constantFrom('docker', id, `pod${uid}`, 'a.scope', 'lxc'))),
      (parts) => {
        parseCgroupPath(`/${parts.join('/')}`);
      },
    ),
  );
});

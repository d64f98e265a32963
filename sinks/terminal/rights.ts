/** The user who called sudo. */
export interface Rights {
  uid: number;
  gid: number;
  /** Makes this process run as that user from now on. */
  giveUp(): void;
}

/** Returns who called sudo; undefined if this process is not root by sudo. Only the collector needs to be root. */
export function callerOfSudo(): Rights | undefined {
  const { SUDO_UID: uid = '', SUDO_GID: gid = '' } = process.env;
  if (process.getuid?.() !== 0 || !/^[1-9]\d*$/.test(uid) || !/^\d+$/.test(gid)) return undefined;
  return {
    uid: Number(uid),
    gid: Number(gid),
    giveUp() {
      process.setgroups?.([]);
      process.setgid?.(Number(gid));
      process.setuid?.(Number(uid));
    },
  };
}

import { nearest } from '../pipe/command/nearest.js';

/** The errors of Linux, as strerrorname_np() names them. */
export const errnos = `
  EPERM ENOENT ESRCH EINTR EIO ENXIO E2BIG ENOEXEC EBADF ECHILD EAGAIN ENOMEM EACCES EFAULT ENOTBLK EBUSY EEXIST EXDEV
  ENODEV ENOTDIR EISDIR EINVAL ENFILE EMFILE ENOTTY ETXTBSY EFBIG ENOSPC ESPIPE EROFS EMLINK EPIPE EDOM ERANGE EDEADLK
  ENAMETOOLONG ENOLCK ENOSYS ENOTEMPTY ELOOP ENOMSG EIDRM ECHRNG EL2NSYNC EL3HLT EL3RST ELNRNG EUNATCH ENOCSI EL2HLT
  EBADE EBADR EXFULL ENOANO EBADRQC EBADSLT EBFONT ENOSTR ENODATA ETIME ENOSR ENONET ENOPKG EREMOTE ENOLINK EADV ESRMNT
  ECOMM EPROTO EMULTIHOP EDOTDOT EBADMSG EOVERFLOW ENOTUNIQ EBADFD EREMCHG ELIBACC ELIBBAD ELIBSCN ELIBMAX ELIBEXEC
  EILSEQ ERESTART ESTRPIPE EUSERS ENOTSOCK EDESTADDRREQ EMSGSIZE EPROTOTYPE ENOPROTOOPT EPROTONOSUPPORT ESOCKTNOSUPPORT
  EOPNOTSUPP EPFNOSUPPORT EAFNOSUPPORT EADDRINUSE EADDRNOTAVAIL ENETDOWN ENETUNREACH ENETRESET ECONNABORTED ECONNRESET
  ENOBUFS EISCONN ENOTCONN ESHUTDOWN ETOOMANYREFS ETIMEDOUT ECONNREFUSED EHOSTDOWN EHOSTUNREACH EALREADY EINPROGRESS
  ESTALE EUCLEAN ENOTNAM ENAVAIL EISNAM EREMOTEIO EDQUOT ENOMEDIUM EMEDIUMTYPE ECANCELED ENOKEY EKEYEXPIRED EKEYREVOKED
  EKEYREJECTED EOWNERDEAD ENOTRECOVERABLE ERFKILL EHWPOISON
`
  .trim()
  .split(/\s+/);

/** Other names of the same errors, which no event has. */
const otherNames: Readonly<Record<string, string>> = {
  EWOULDBLOCK: 'EAGAIN',
  EDEADLOCK: 'EDEADLK',
  ENOTSUP: 'EOPNOTSUPP',
};

const ofLookups =
  'NOERROR FORMERR SERVFAIL NXDOMAIN NOTIMP REFUSED YXDOMAIN YXRRSET NXRRSET NOTAUTH NOTZONE NODATA TIMEOUT TRUNCATED';

export const icmpErrors = `
  net-unreachable host-unreachable protocol-unreachable port-unreachable fragmentation-needed source-route-failed net-unknown
  host-unknown host-isolated net-prohibited host-prohibited net-unreachable-for-tos host-unreachable-for-tos admin-prohibited
  precedence-violation precedence-cutoff no-route beyond-scope addr-unreachable policy-fail reject-route time-exceeded
  parameter-problem packet-too-big
`
  .trim()
  .split(/\s+/);

/** The words of fields whose values the collector chooses, although the schemas do not list them. `other` has no name. */
const fields: Readonly<Record<string, { words: string[]; other: RegExp; example: string }>> = {
  error: { words: [...errnos, ...ofLookups.split(' ')], other: /^(E|RCODE)\d{1,5}$/, example: 'ECONNREFUSED' },
  icmp: { words: icmpErrors, other: /^type-\d{1,3}-code-\d{1,3}$/, example: 'port-unreachable' },
};

/** Returns what to write instead, if an event's field can never have this value; else undefined. */
export function insteadOf(field: string, value: string): string | undefined {
  const known = Object.hasOwn(fields, field) ? fields[field] : undefined;
  if (!known || known.words.includes(value) || known.other.test(value)) return undefined;
  if (field === 'error' && Object.hasOwn(otherNames, value)) return `use ${otherNames[value]}, which is the same`;
  return nearest(value, known.words) ?? `use a name such as ${known.example}`;
}

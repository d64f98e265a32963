#!/bin/bash
# Runs in a guest, as root: boots systemd in a PID namespace with synpipe installed. There it runs the rest of this script
# (with "inside" as its first argument), which prints its findings, one per line.
set -u
if [ "${1-}" = '' ]; then
  # A chroot, which this runs in, may not allow user namespaces: makes the same folder the root of everything.
  exec nsenter --mount=/proc/self/ns/mnt /bin/busybox sh -c '
    cd /root && busybox mount -o move . / && exec busybox chroot . /bin/bash -c "cd \"\$1\"; exec bash \"\$2\" outside" -- "$0" "$1"' "$PWD" "$(realpath "$0")"
fi
deploy=$(realpath "${DEPLOY:-collector/deploy}")
if [ "${1-}" != inside ]; then
  out=/run/facts
  mkdir -p /opt/synpipe /etc/synpipe
  cp -r dist package.json /opt/synpipe
  for command in dist/bin/*; do ln -sf "/opt/synpipe/$command" /usr/local/bin; done
  cp "$deploy"/*.service /etc/systemd/system
  cp "$deploy/logrotate" /etc/logrotate.d/synpipe
  mkdir -p /var/log
  cp "$0" /opt/inside
  cat >/etc/systemd/system/inside.service <<END
[Unit]
DefaultDependencies=no
After=systemd-journald.service
[Service]
Type=oneshot
ExecStart=/bin/bash /opt/inside inside
ExecStopPost=/bin/systemctl exit
Environment=DEPLOY=$deploy PATH=$PATH
StandardOutput=file:$out
StandardError=file:$out
END
  printf '[Unit]\nWants=systemd-journald.service inside.service\n' >/etc/systemd/system/inside.target
  # nothing else of the machine is needed
  for unit in /lib/systemd/system/{sysinit,basic}.target.wants/* /etc/systemd/system/{sysinit,basic,sockets,multi-user}.target.wants/*; do
    unit=${unit##*/}
    [[ $unit == systemd-journald* || $unit == *\** ]] || ln -sf /dev/null "/etc/systemd/system/$unit"
  done
  mount --make-rprivate /
  timeout "${SECONDS_INSIDE:-400}" unshare --pid --fork --mount --mount-proc \
    env -i container=guest PATH="$PATH" /lib/systemd/systemd --system --unit=inside.target --log-target=null >/run/systemd.log 2>&1
  cat "$out" || cat /run/systemd.log
  exit
fi

fact() { echo "FACT $1 ${*:2}"; }
file=/var/log/synpipe/connects/connects.ndjson
wait_for() { for _ in $(seq 200); do eval "$1" && return; sleep .2; done; fact gave-up "$1"; systemctl show -p Id,Result,ExecMainStatus,SubState "synpipe*"; journalctl --no-pager -o cat | tail -n 20; exit 1; }
main() { systemctl show -P MainPID "$1"; }
status() { sed -n "s/^$2:\s*//p" "/proc/$1/status" | cut -f1; }
connect() { for _ in $(seq "$1"); do (: </dev/tcp/127.0.0.1/7) 2>/dev/null; done; true; }

printf '%s\n' 'COLLECT=--report outcome --metrics 9464' 'RUN=--metrics 9465' >/etc/synpipe/connects.conf
systemctl start synpipe@connects
wait_for 'connect 1 && [ -s $file ]' # until it has attached
before=$(wc -l <$file)
connect 20
wait_for '[ $(wc -l <$file) -ge $((before + 20)) ]'
pid=$(main synpipe@connects)
collector=$(pgrep -f bin/collector)
fact command "$(tr '\0' ' ' </proc/$pid/cmdline)"
for one in "stages $pid" "collector $collector"; do
  fact "${one% *}" "$(for name in Uid CapEff CapPrm CapAmb NoNewPrivs Seccomp; do echo -n "$name=$(status "${one#* }" $name) "; done)"
done
fact writable "$(for folder in / /etc /usr /home /var/log /var/log/synpipe/connects /var/lib/synpipe/connects /tmp; do
  chroot "/proc/$pid/root" setpriv --reuid "$(status "$pid" Uid)" --clear-groups test -w $folder && echo -n "$folder "; done)"
fact metrics "$(for port in 9464 9465; do curl -s "http://127.0.0.1:$port/metrics" | sed -n 's/^synpipe_events_out_total{command=\("[a-z-]*"\).* [1-9][0-9]*$/\1 /p' | tr -d '\n'; done)"
logrotate --force /etc/logrotate.d/synpipe 2>&1
fact rotated "$(cd /var/log/synpipe/connects && ls -m | tr -d '\n')"
connect 20
wait_for '[ -e $file ] && [ $(wc -l <$file) -ge 20 ]'
fact same-process "$([ "$pid" = "$(main synpipe@connects)" ] && echo yes || echo no)"
connect 50
systemctl stop synpipe@connects
fact stopped "$(systemctl show -P Result synpipe@connects) $(systemctl show -P ExecMainStatus synpipe@connects)"
told=$(cat $file.1 $file | validate | grep -c '"daddr":"127.0.0.1","dport":7,.*"result":"refused"')
made=$((before + 20 + 20 + 50)) # `before` are those of the first ones that were reported
[ "$told" -ge "$made" ] && fact attempts all || fact attempts "$told of $made"
fact seqs "$(cat $file.1 $file | grep -o '"seq":[0-9]*' | cut -d: -f2 | awk 'NR > 1 && $1 != last + 1 { gaps++ } { last = $1 } END { print gaps + 0 }') gaps"

echo 'PIPELINE=validate | sink-file /var/log/synpipe/work/out.ndjson' >/etc/synpipe/work.conf
systemctl start synpipe-worker@work
wait_for '[ -e /var/log/synpipe/work/out.ndjson ]'
wait_for '[ "$(systemctl show -P SubState synpipe-worker@work)" = auto-restart ]' # its input ends
fact worker "$(systemctl show -P Result synpipe-worker@work) $(systemctl show -P ExecMainStatus synpipe-worker@work)"
systemctl stop synpipe-worker@work
echo 'PIPELINE=filter --dprt 1' >/etc/synpipe/wrong.conf
systemctl start synpipe-worker@wrong
wait_for '[ "$(systemctl show -P ActiveState synpipe-worker@wrong)" = failed ]'
fact wrong "$(systemctl show -P Result synpipe-worker@wrong) $(systemctl show -P ExecMainStatus synpipe-worker@wrong) $(systemctl show -P NRestarts synpipe-worker@wrong)"
fact journal "$(journalctl -o cat -u synpipe-worker@wrong | grep '^filter:')"

#!/bin/bash
#
# Three sites in chroots with a pool of PHP each, on a host with the package, a real postfix and a real systemd:
# their mail arrives, whatever is stopped, killed or booted in between.

# shellcheck source=tests/system/host.sh
. "$(dirname "$0")/host.sh"
packages_find
host_open "$PACKAGE"
sites=(site1 site2 site3)

is "it is started, and will be at the next boot" \
	"$(machine_sh 'systemctl is-active flushd; systemctl is-enabled flushd' | xargs)" "active enabled"
is "sendmail is still postfix's" "$(machine_run dpkg -S /usr/sbin/sendmail)" "postfix: /usr/sbin/sendmail"
for site in "${sites[@]}"; do
	site_create "$site"
done
is "flushd knows the sites" "$(machine_run flushctl status | grep -cE '^[ !] site')" 3

is "mail() is true in each pool" "$(sites_mail first "${sites[@]}")" true
ok "and arrives" maildir_wait 3 30

relay_stop
is "mail() is true while postfix is stopped" "$(sites_mail stopped "${sites[@]}")" true
before=$(main_pid)
machine_run kill -KILL "$before"
ok "flushd is killed, and systemd starts another" wait_until 30 is_another_flushd "$before"
is "mail() is true all the while" "$(sites_mail killed "${sites[@]}")" true
is "all of it waits" "$(for site in "${sites[@]}"; do waiting "$site"; done | xargs)" "2 2 2"
relay_start
ok "postfix is back, and it arrives" maildir_wait 9 60

machine_run systemctl disable -q postfix
relay_stop
is "mail() is true before the machine is booted" "$(sites_mail booted "${sites[@]}")" true
ok "the machine boots" machine_reboot
is "flushd runs" "$(machine_run systemctl is-active flushd)" active
is "and so does PHP: mail() is true" "$(sites_mail back "${sites[@]}")" true
is "what waited waits" "$(for site in "${sites[@]}"; do waiting "$site"; done | xargs)" "2 2 2"
machine_cut
ok "the machine is cut off, and boots" machine_boot
relay_start
ok "postfix is back, and it arrives" maildir_wait 15 60

nothing_wrong "all that mail() was true for has arrived as it was, once"
is "all that flushd logs has the facility of mail" "$(machine_run journalctl -q -b -o json SYSLOG_IDENTIFIER=flushd |
	grep -o '"SYSLOG_FACILITY":"[0-9]*"' | sort -u)" '"SYSLOG_FACILITY":"2"'
done_testing

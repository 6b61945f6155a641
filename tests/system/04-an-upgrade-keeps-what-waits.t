#!/bin/bash
#
# The package is upgraded, removed, installed again and purged while mail waits: what waits is the sites', and stays.

# shellcheck source=tests/system/host.sh
. "$(dirname "$0")/host.sh"
packages_find
host_open "$PACKAGE_BEFORE"
sites=(site1 site2)
for site in "${sites[@]}"; do
	site_create "$site"
done

# version: of the package as it is installed.
version() {
	# shellcheck disable=SC2016 # the variable is dpkg's
	machine_run dpkg-query -W -f '${Version}' mini-sendmail
}

# package_drop remove|purge: what the package says meanwhile is in $SCRATCH/apt.log.
package_drop() {
	machine_run apt-get -y -q "$1" mini-sendmail >"$SCRATCH/apt.log" 2>&1
}

# said: what the package itself has said; apt gives it a terminal to say it on.
said() {
	tr -d '\r' <"$SCRATCH/apt.log" | grep '^mini-sendmail: ' || true
}

# --- upgrade ------------------------------------------------------------------------------------------

is "it begins with the version before" "$(version)" "$(cat VERSION)~before"
relay_stop
is "mail() is true" "$(sites_mail before "${sites[@]}")" true
echo 'max_workers = 31' >>"$DISK/etc/mini-sendmail/flushd.conf"
before=$(main_pid)
ok "it is upgraded" package_install "$PACKAGE"
is "to this version" "$(version)" "$(cat VERSION)"
ok "flushd was started anew" is_another_flushd "$before"
is "the configuration is the administrator's" "$(tail -n 1 "$DISK/etc/mini-sendmail/flushd.conf")" "max_workers = 31"
is "what waited waits" "$(for site in "${sites[@]}"; do waiting "$site"; done | xargs)" "1 1"
is "mail() is true" "$(sites_mail after "${sites[@]}")" true
relay_start
ok "all of it arrives" maildir_wait 4 60

# --- removal ------------------------------------------------------------------------------------------

relay_stop
is "mail() is true" "$(sites_mail removal site1)" true
ok "the package is removed" package_drop remove
is "it has named the spool in which mail waits, and no other" "$(said | sed 's/: -- .* Request\.$//')" \
	"mini-sendmail: mail waits in /srv/site1/$SPOOL_IN_JAIL"
is "flushd has ended" "$(machine_run systemctl is-active flushd || true)" inactive
ok "the sites are still configured" machine_run test -e /etc/mini-sendmail/sites.d/site2.conf
is "mail() is true all the same: the jails have what they need" "$(sites_mail removed "${sites[@]}")" true
ok "the package is installed again" package_install "$PACKAGE"
relay_start
ok "and what waited arrives" maildir_wait 7 60

# --- purge --------------------------------------------------------------------------------------------

relay_stop
is "mail() is true" "$(sites_mail purge "${sites[@]}")" true
jails() {
	machine_run find /srv -path '*/incoming' -prune -o -type f -exec sha256sum {} + | sort
}
in_jails=$(jails)
ok "the package is purged" package_drop purge
for site in "${sites[@]}"; do
	is "it has named the spool of $site, which it leaves" "$(said | grep -c "/srv/$site/$SPOOL_IN_JAIL is left as it is")" 1
done
is "no file in a jail is another" "$(jails)" "$in_jails"
is "its configuration is gone" "$(machine_run ls /etc/mini-sendmail 2>/dev/null || true)" ""
is "nothing else of it is left" \
	"$(machine_run find / -xdev '(' -name 'flushd*' -o -name 'mini-sendmail*' ')' -not -path '/srv/*' \
		-not -path '/proc/*' -not -path '/var/log/*' 2>/dev/null)" ""
is "sendmail is still postfix's" "$(machine_run dpkg -S /usr/sbin/sendmail)" "postfix: /usr/sbin/sendmail"
ok "the package is installed once more" package_install "$PACKAGE"
for site in "${sites[@]}"; do
	printf 'root = /srv/%s\nuser = %s\n' "$site" "$site" >"$DISK/etc/mini-sendmail/sites.d/$site.conf"
done
machine_run systemctl reload flushd
relay_start
ok "and serves what was left" maildir_wait 9 60
nothing_wrong "all that mail() was true for has arrived as it was, once"
done_testing

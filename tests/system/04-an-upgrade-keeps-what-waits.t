#!/bin/bash
#
# The package is upgraded, removed, installed again and purged while mail waits: what waits is the sites', and stays;
# the programs in their jails become those of the package. A site that is removed has nothing of it any more.

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

# copies: which of the package's programs the jails have: a line for each that is the package's, or is not.
copies() {
	local program site
	for program in mini_sendmail jailsh; do
		for site in "${sites[@]}"; do
			cmp -s "$DISK"{,/srv/"$site"}/usr/libexec/mini-sendmail/$program && echo current || echo other
		done
	done | sort | uniq -c | xargs
}

# mail_on: site2 sends one after the other until $SCRATCH/enough is there; what mail() returned is in $SCRATCH/on.
mail_on() {
	local count=0
	until [ -e "$SCRATCH/enough" ]; do
		count=$((count + 1))
		site_mail site2 "on$count"
	done >"$SCRATCH/on"
}

# --- upgrade ------------------------------------------------------------------------------------------

is "it begins with the version before" "$(version)" "$(cat VERSION)~before"
relay_stop
is "mail() is true" "$(sites_mail before "${sites[@]}")" true
echo 'max_workers = 31' >>"$DISK/etc/mini-sendmail/flushd.conf"
before=$(main_pid)
old=$(sha256sum <"$DISK/usr/libexec/mini-sendmail/jailsh")
mail_on &
mailing=$!
ok "it is upgraded" package_install "$PACKAGE"
touch "$SCRATCH/enough"
ok "somebody has mailed all the while" wait "$mailing"
is "and mail() was always true" "$(sort -u "$SCRATCH/on")" true
on=$(wc -l <"$SCRATCH/on")
is "to this version" "$(version)" "$(cat VERSION)"
ok "which has other programs for the jails" [ "$(sha256sum <"$DISK/usr/libexec/mini-sendmail/jailsh")" != "$old" ]
is "the jails have these now" "$(copies)" "4 current"
is "as it was said" "$(grep -c '^/srv/site[12]/usr/libexec/mini-sendmail/.*: replaced: ' "$SCRATCH/apt.log")" 4
ok "flushd was started anew" is_another_flushd "$before"
is "the configuration is the administrator's" "$(tail -n 1 "$DISK/etc/mini-sendmail/flushd.conf")" "max_workers = 31"
is "what waited waits" "$(for site in "${sites[@]}"; do waiting "$site"; done | xargs)" "1 $((1 + on))"
is "mail() is true" "$(sites_mail after "${sites[@]}")" true
relay_start
arrived=$((4 + on))
ok "all of it arrives" maildir_wait "$arrived" 60

# A configuration with a mistake: that site is not known, and so not refreshed.
mv "$DISK/etc/mini-sendmail/sites.d/site2.conf" "$SCRATCH"
echo 'rot = /srv' >"$DISK/etc/mini-sendmail/sites.d/site2.conf"
ok "the version before is back, though" package_install "$PACKAGE_BEFORE"
is "to that version" "$(version)" "$(cat VERSION)~before"
ok "it has said what is wrong" grep -q 'site2.conf:1: ' "$SCRATCH/apt.log"
is "and what to do" "$(said)" \
	"mini-sendmail: not all jails have the new programs; 'flushctl site refresh --all' tries again"
is "that site has what it had, and the other is refreshed" "$(copies)" "2 current 2 other"
is "flushd runs for that" "$(machine_run systemctl is-active flushd)" active
mv "$SCRATCH/site2.conf" "$DISK/etc/mini-sendmail/sites.d"
machine_run systemctl reload flushd
ok "afterwards that does" site refresh --all
is "the jails have what the package has" "$(copies)" "4 current"
ok "it is upgraded again" package_install "$PACKAGE"

# --- a site is removed --------------------------------------------------

relay_stop
is "mail() is true" "$(sites_mail leaving site2)" true
status=0
site remove site2 || status=$?
is "a site with mail stays" "$status $(grep -c ': 1 message waits to be sent' "$SCRATCH/site.log")" "3 1"
relay_start
ok "a site is removed when its mail is sent" site remove site2 --drain --timeout 60s
arrived=$((arrived + 1))
ok "that has arrived" maildir_wait "$arrived" 10
is "its jail has nothing of the package" "$(machine_run find /srv/site2 -not -type d -not -path '*/www/*')" ""
is "flushd has forgotten it" "$(machine_run flushctl status | awk '$1 ~ /^site/ { print $1 }')" site1
ok "it is added again" site_add site2

# --- removal ------------------------------------------------------------------------------------------

relay_stop
is "mail() is true" "$(sites_mail removal site1)" true
printf '%s\n' '; root = /srv/nowhere' 'root = /srv/site1 ; the first' 'user = site1' >"$DISK/etc/mini-sendmail/sites.d/site1.conf"
ok "the package is removed" package_drop remove
is "it has named the site whose mail waits, and no other" "$(said | sed 's/: -- .* Request\.$//')" \
	"mini-sendmail: left in the spool of site1"
is "flushd has ended" "$(machine_run systemctl is-active flushd || true)" inactive
ok "the sites are still configured" machine_run test -e /etc/mini-sendmail/sites.d/site2.conf
is "mail() is true all the same: the jails have what they need" "$(sites_mail removed "${sites[@]}")" true
ok "the package is installed again" package_install "$PACKAGE"
relay_start
arrived=$((arrived + 3))
ok "and what waited arrives" maildir_wait "$arrived" 60

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
	ok "$site is added again" site_add "$site"
done
relay_start
ok "and what was left is served" maildir_wait $((arrived + 2)) 60
nothing_wrong "all that mail() was true for has arrived as it was, once"
done_testing

# shellcheck shell=bash
#
# host.sh - a machine with the package, the distribution's postfix and php-fpm, and sites in chroots
#
#   host_open DEB      the machine, with that package; postfix takes mail for example.org into $MAILDIR
#   site_create NAME   a user, a jail that is a site, and a pool of PHP that lives in there
#   site_mail NAME TOKEN   a letter by mail() in that pool: prints what it returned

# shellcheck source=tests/e2e/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../e2e/lib.sh"
# shellcheck source=tests/system/packages.sh
. "$(dirname "${BASH_SOURCE[0]}")/packages.sh"
# shellcheck source=tests/system/machine.sh
. "$(dirname "${BASH_SOURCE[0]}")/machine.sh"

SPOOL_IN_JAIL=var/spool/mini-sendmail

# --- the host -----------------------------------------------------------------------------------------

# package_install DEB: by apt, in the machine; what that said is in $SCRATCH/apt.log.
package_install() {
	cp "$1" "$DISK/root/package.deb"
	machine_run apt-get -y -q --allow-downgrades install /root/package.deb >"$SCRATCH/apt.log" 2>&1 || {
		sed 's/^/# /' "$SCRATCH/apt.log" >&2
		return 1
	}
}

host_open() {
	machine_needs
	test_open
	packages_find
	machine_create
	postfix_prepare
	php_prepare
	machine_boot
	package_install "$1"
}

postfix_prepare() {
	MAILDIR=$DISK/home/reader/Maildir
	chroot "$DISK" useradd --create-home reader
	chroot "$DISK" postconf -e mydestination=example.org local_recipient_maps= home_mailbox=Maildir/ \
		inet_interfaces=loopback-only inet_protocols=ipv4 maximal_queue_lifetime=1d
}

php_prepare() {
	POOLS=$(echo "$DISK"/etc/php/*/fpm/pool.d)
	PHP_SERVICE=$(basename "$DISK"/lib/systemd/system/php*-fpm.service)
	rm "$POOLS/www.conf"
	# Without any pool it does not start; which is then started by the first site.
	rm -f "$DISK/etc/systemd/system/multi-user.target.wants/$PHP_SERVICE"
}

# site VERB...: what flushctl says is in $SCRATCH/site.log.
site() {
	machine_run flushctl site "$@" >"$SCRATCH/site.log" 2>&1
}

# site_add NAME: a jail gets what mail() needs, and flushd learns of it.
site_add() {
	site add "/srv/$1" --user "$1" --domain "$1.test" || {
		sed 's/^/# /' "$SCRATCH/site.log" >&2
		return 1
	}
}

# A jail that only root and its user may enter, empty.
site_create() {
	machine_run useradd --no-create-home --home-dir / --shell /usr/sbin/nologin "$1"
	machine_run install -d -m 750 -g "$1" "/srv/$1"
	site_add "$1"
	mkdir "$DISK/srv/$1/www"
	cat >"$DISK/srv/$1/www/mail.php" <<-'END'
		<?php
		// mail() itself ends a text with a line end.
		$text = preg_replace("/\n\z/", "", file_get_contents("php://input"));
		var_export(mail("reader@example.org", "a letter", $text, "X-Letter: {$_GET['letter']}", "-fwww@{$_GET['site']}.test"));
	END
	sed "s/site1/$1/g" docs/examples/php-fpm-pool.conf >"$POOLS/$1.conf"
	machine_run systemctl reload-or-restart "$PHP_SERVICE"
	machine_run systemctl enable -q "$PHP_SERVICE"
	wait_until 10 machine_run test -S "/run/php/$1.sock"
}

# site_php NAME SCRIPT QUERY <BODY: what a script of that site answers.
site_php() {
	local body=$SCRATCH/body length
	cat >"$body"
	length=$(stat -c %s "$body")
	machine_run env REQUEST_METHOD=POST CONTENT_TYPE=text/plain CONTENT_LENGTH="$length" \
		QUERY_STRING="$3" SCRIPT_NAME="/$2" SCRIPT_FILENAME="/www/$2" \
		cgi-fcgi -bind -connect "/run/php/$1.sock" <"$body" >"$SCRATCH/answer"
	sed '1,/^\r*$/d' "$SCRATCH/answer"
}

# The letter is in the journal if mail() says true.
site_mail() {
	local text=$SCRATCH/$2.text answer
	printf 'Letter %s of %s.\n\n.\nGrüße\n' "$2" "$1" >"$text"
	answer=$(site_php "$1" mail.php "letter=$2&site=$1" <"$text")
	[ "$answer" != true ] || journal_body "$2" "$text"
	echo "$answer"
}

# sites_mail PREFIX SITE...: one from each; prints what they returned, once if it is the same.
sites_mail() {
	local prefix=$1 site
	shift
	for site; do
		site_mail "$site" "$prefix-$site"
	done | sort -u
}

# The unit may be a name for another, which goes on taking mail for a moment.
relay_stop() {
	machine_run systemctl stop postfix
	wait_until 30 relay_is_gone
}

relay_is_gone() {
	! machine_run pgrep -x 'master|smtpd' >/dev/null
}

relay_start() {
	machine_run systemctl start postfix
}

# How many messages wait in a site's spool.
waiting() {
	machine_run flushctl --spool "/srv/$1/$SPOOL_IN_JAIL" list --json | wc -l
}

main_pid() {
	machine_run systemctl show -P MainPID flushd
}

# is_another_flushd PID: that one is gone, and another is ready.
is_another_flushd() {
	[ "$(main_pid)" != "$1" ] && machine_run systemctl -q is-active flushd
}

# machine_logged PATTERN: flushd has said so since the machine was booted.
machine_logged() {
	machine_run journalctl -q -b -o cat -u flushd >"$SCRATCH/flushd.log"
	grep -qE -- "$1" "$SCRATCH/flushd.log"
}

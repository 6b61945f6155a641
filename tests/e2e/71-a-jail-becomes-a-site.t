#!/bin/bash
#
# An empty directory becomes the jail of a real php-fpm, from which mail() reaches a real postfix, by one command. Given
# again it changes nothing, and with --dry-run it does nothing.

# shellcheck source=tests/e2e/jails.sh
. "$(dirname "$0")/jails.sh"
jails_open
postfix_create
postfix_start
conf_write

before=$(tree "$JAIL" "$CONF")
is "what would be done is said" "$(site_exits add "$JAIL" --user $SITE_UID --domain site.test --dry-run)" 0
is "of all of it" "$(grep -c ': would be' "$SCRATCH/said")" 6
is "nothing of it is done" "$(tree "$JAIL" "$CONF")" "$before"
ok "without it, there is no site" [ "$(site_exits check site1 --quiet)" -eq 1 ]

is "a site is added" "$(site_exits add "$JAIL" --user $SITE_UID --domain site.test)" 0
cp "$SCRATCH/said" "$SCRATCH/added"
ok "flushd does not run yet, and that is said" said '^flushd does not run'
ok "a message was submitted" said ': a message of its user gets into a spool$'
ok "PHP's trouble is told" said '/usr/share/zoneinfo: note: is missing; PHP dies'
is "only the spool is the user's" "$(find "$JAIL" -not -uid 0 | sort | head -n 1)" "$JAIL/var/spool/mini-sendmail"
is "and root's programs have the rights of programs" \
	"$(find "$JAIL" -uid 0 -type f -printf '%m %u %g %f\n' | sort)" $'755 root root jailsh\n755 root root mini_sendmail'
is "nothing of the proof is left" "$(ls -A "$JAIL/var/spool")" mini-sendmail
is "nor of it in the spool" "$("$BIN/flushctl" --spool "$JAIL/var/spool/mini-sendmail" list)" "Mail queue is empty"
is "flushd takes what was written" "$("$BIN/flushd" --config "$CONF" --check | grep -c '^# sites.d/site1.conf')" 1
ok "the site is listed" grep -q "^site1  *$SITE_UID  *$JAIL\$" <<<"$("$BIN/flushctl" site list --config "$CONF")"
is "a check finds nothing" "$(site_exits check site1) $(grep -vc ': note: ' "$SCRATCH/said" || true)" "0 0"
is "nor does a silent one" "$(site_exits check "$JAIL/" --quiet) $(cat "$SCRATCH/said")" "0 "

# The proof is a submission: it does change the times of the directory that it is made in.
tree_but_for_proof() {
	tree "$JAIL" "$CONF" | sed -E "s|^($JAIL/var/spool( [^ ]+){7}) .*|\\1|"
}
before=$(tree_but_for_proof)
is "once more" "$(site_exits add "$JAIL" --user $SITE_UID --domain site.test)" 0
is "all is unchanged" "$(grep -c ': unchanged$' "$SCRATCH/said") $(grep -cE 'put in|made|replaced|now$' "$SCRATCH/said" || true)" "6 0"
is "and so it is" "$(tree_but_for_proof)" "$before"

# --- where the programs are --------------------------------------------------------------------------------

# As `make install` puts them, with a sendmail of another kind beside flushctl.
mkdir -p "$SCRATCH/usr/sbin" "$SCRATCH/usr/libexec/mini-sendmail" "$JAILS/site3"
cp "$BIN/flushctl" "$SCRATCH/usr/sbin"
echo other >"$SCRATCH/usr/sbin/mini_sendmail"
is "without its programs flushctl puts none" \
	"$("$SCRATCH/usr/sbin/flushctl" site add "$JAILS/site3" --user 20003 --config "$CONF" >/dev/null 2>&1 || echo $?)" 3
cp "$BIN/mini_sendmail" "$BIN/jailsh" "$SCRATCH/usr/libexec/mini-sendmail"
ok "where they are installed, they are found" \
	[ "$("$SCRATCH/usr/sbin/flushctl" site add "$JAILS/site3" --user 20003 --config "$CONF" | grep -c 'put in place')" -eq 4 ]
ok "and that are ours" cmp "$BIN/mini_sendmail" "$JAILS/site3/usr/libexec/mini-sendmail/mini_sendmail"
is "site3 is removed again" "$(site_exits remove site3)" 0

# --- relative paths -----------------------------------------------------

# That of a configuration is from where flushctl was started, whatever it does in the jail.
relative_site() {
	(cd "$SCRATCH" && "$BIN/flushctl" site "$@" --config elsewhere)
}
mkdir "$SCRATCH/elsewhere"
ok "the configuration's may be relative" relative_site add "$JAILS/site3" --user 20003
ok "and is that one" test -s "$SCRATCH/elsewhere/sites.d/site3.conf"
ok "there it is removed again" relative_site remove site3

# --- PHP ---------------------------------------------------------------------------------------------------

fpm=$(compgen -G '/usr/sbin/php-fpm*' | head -n 1 || true)
mkdir -p "$JAIL/www"
cat >"$JAIL/www/mail.php" <<'END'
<?php
$fifth = $_SERVER['HTTP_FIFTH'] ?? '';
var_export(mail('reader@example.org', 'x', "a line\n.\nand another", ['X-Letter' => $_SERVER['HTTP_LETTER']], $fifth));
echo "\n";
END
fpm_get() {
	env -i SCRIPT_FILENAME=/www/mail.php REQUEST_METHOD=GET HTTP_LETTER="$1" HTTP_FIFTH="$2" \
		"$(command -v cgi-fcgi)" -bind -connect "$SCRATCH/fpm.sock" | tail -n 1
}
printf 'a line\n.\nand another\n' >"$SCRATCH/body"
if [ -n "$fpm" ] && command -v cgi-fcgi >/dev/null; then
	cat >"$SCRATCH/fpm.conf" <<-END
		[global]
		error_log = $SCRATCH/fpm.log
		daemonize = no
		[site1]
		listen = $SCRATCH/fpm.sock
		user = $SITE_UID
		group = $SITE_UID
		chroot = $JAIL
		pm = static
		pm.max_children = 1
	END
	"$fpm" -n -F -y "$SCRATCH/fpm.conf" 2>"$SCRATCH/fpm.said" &
	FPM_PID=$!
	at_exit "end_child $FPM_PID || true"
	ok "php-fpm runs" wait_until 20 test -S "$SCRATCH/fpm.sock"
	service_start
	is "mail() in the chroot is true" "$(fpm_get one -fsender@site.test)" true
	journal_body one "$SCRATCH/body"
	is "with an argument that PHP had to escape, too" "$(fpm_get two "-f 'sender@site.test' -F 'Jo \$(id) \"; & x'")" true
	journal_body two "$SCRATCH/body"
	is "an argument of a stranger that is no address is refused" "$(fpm_get three '-f sender;id>/x@site.test')" false
	ok "both arrive" maildir_wait 2 30
	nothing_wrong "once each, and as they were given"
	is "nothing else appeared in the jail" "$(find "$JAIL" -newer "$JAIL/www/mail.php" -not -path "*/var/spool/*" -type f)" ""
else
	service_start
	skip "mail() in the chroot is true" "there is no php-fpm, or no cgi-fcgi"
fi

# --- flushd, while it runs ---------------------------------------------------------------------------------

mkdir -m 755 "$JAILS/site2"
is "another site is added while flushd runs" \
	"$(site_exits add "$JAILS/site2" --user 20002 --domain site.test --shell=none)" 0
ok "flushd is told" said '^flushd: reads its configuration again$'
ok "there is no shell, as it was wanted" [ ! -e "$JAILS/site2/bin" ]
is "a check knows that" "$(site_exits check site2 --quiet --shell=none) $(site_exits check site2 --quiet)" "0 1"
printf 'X-Letter: four\nTo: reader@example.org\n\na line\n.\nand another\n' |
	env -i "$(command -v chroot)" --userspec=20002:20002 --groups= "$JAILS/site2" /usr/sbin/sendmail -t -i -f sender@site.test
journal_body four "$SCRATCH/body"
ok "it is served without a restart" maildir_wait 3 30
nothing_wrong "its mail has arrived"
ok "flushd ends in order" flushd_stop
done_testing

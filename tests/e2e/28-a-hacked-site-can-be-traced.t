#!/bin/bash
#
# Who submitted a message can be seen in flushctl and in flushd's log: user, directory, arguments, and the script as
# PHP or a web server names it. Whatever a hostile site puts there, it is bounded and escaped, and the message goes
# out.

# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
needs_root "starts a postfix, submits as several users"
test_open
copy_programs
postfix_create
postfix_start
user=12345
spool_create "$SCRATCH/spool" --user "$user"
site=$SCRATCH/site
out=$SCRATCH/out
count=0
mkdir -m 755 "$site" "$site/shop"
cat >"$site/shop/contact.php" <<'END'
<?php exit(mail($argv[1], "x", "x\n", "From: a@site.test\nX-PHP-Originating-Script: 0:/made/up") ? 0 : 1);
END
chown -R "$user:$user" "$site"

# as_site VARIABLE=VALUE... CMD...: as the site's user, in $directory, with no other environment.
directory=$site/shop
as_site() {
	as_uid "$user" env -i -C "$directory" PATH="$PATH" MINI_SENDMAIL_SPOOL="$SPOOL" "$@"
}

# php [OPTION...]: mail() of real PHP to a new recipient, $to.
php_sends() {
	count=$((count + 1))
	to=reader-$count@example.org
	as_site "$@" -d "sendmail_path=$BIN/mini_sendmail -t -i -fwww@site.test" "$site/shop/contact.php" "$to"
}

# sends [OPTION...]: the same without PHP.
sends() {
	count=$((count + 1))
	to=reader-$count@example.org
	as_site "$@" "$to" < <(printf 'Subject: x\n\nx\n')
}

# shows LABEL VALUE: flushctl show has that line about the message to $to.
shows() {
	local id
	id=$(flushctl list --json | grep -F "\"$to\"" | grep -o '"queue_id": "[A-Z0-9]*"' | cut -d '"' -f 4) &&
		flushctl show "$id" >"$out" &&
		grep -qxF "$(printf '%-14s%s' "$1:" "$2")" "$out"
}

lists() {
	flushctl list --json | grep -F "\"$to\"" | grep -qF -- "$1"
}

is_printable() {
	! LC_ALL=C grep -q '[^ -~]' "$1"
}

# --- as callers are ------------------------------------------------------------------------------------

ok "PHP that names its scripts sends" php_sends php -n -d mail.add_x_header=1
ok "the script is known, and not what it says itself" shows script "$user:contact.php"
ok "the directory" shows directory "$site/shop"
ok "the arguments" shows arguments "$BIN/mini_sendmail -t -i -fwww@site.test"
ok "the user" grep -qE "^submitter: +uid $user, pid [0-9]+, parent [0-9]+\$" "$out"
ok "as JSON too" lists '"script": "'"$user"':contact.php"}'
named=$to

ok "PHP of a web server that runs it as CGI sends" php_sends SCRIPT_NAME=/contact.php \
	PATH_TRANSLATED=/t/contact.php SCRIPT_FILENAME=/srv/www/contact.php php -n -d mail.add_x_header=0
ok "what the header says counts first" shows script 0:/made/up

ok "a CGI program sends" sends PATH_TRANSLATED=/t/form.cgi SCRIPT_NAME=/form.cgi \
	SCRIPT_FILENAME=/srv/www/form.cgi "$BIN/mini_sendmail"
ok "its file name is known" shows script /srv/www/form.cgi
cgi=$to

ok "cron sends" sends SHELL=/bin/sh HOME=/ LOGNAME=site "$BIN/mini_sendmail" -FCronDaemon -i -oem
ok "its arguments are known" shows arguments "$BIN/mini_sendmail -FCronDaemon -i -oem $to"
ok "there is no script" lists '"script": null'
cron=$to

# As root: the owner has to be submitted as, but root is who did it.
count=$((count + 1))
to=reader-$count@example.org
ok "root sends" "$BIN/mini_sendmail" "$to" < <(printf 'Subject: x\n\nx\n')
ok "and is named" shows directory "$PWD"
ok "by its uid" grep -qE '^submitter: +uid 0, ' "$out"

# --- as a hostile caller would be ---------------------------------------------------------------------

# The last two bytes are no UTF-8.
hostile=$'a\r\nid=X from=<> status=sent\e[2J"\\\xc3\xff'
escaped='a\x0d\x0aid=X from=<> status=sent\x1b[2J"\x5c\xc3\xff'
directory=$site/$hostile
mkdir "$directory"
ok "hostile words in everything are no reason to refuse" sends SCRIPT_FILENAME="$hostile" \
	"$BIN/mini_sendmail" -F "$hostile"
ok "in the script" shows script "$escaped"
ok "the directory" shows directory "$site/$escaped"
ok "the arguments" shows arguments "$BIN/mini_sendmail -F $escaped $to"
ok "they are escaped" is_printable "$out"
ok "as JSON too" is_printable <(flushctl list --json)
# shellcheck disable=SC2016 # the variables are PHP's
is "which is valid" "$(flushctl list --json | php -n -r '
	foreach (file("php://stdin") as $line) {
		$entry = json_decode($line, true, 8, JSON_THROW_ON_ERROR);
		if ($entry["recipients"][0]["address"] === $argv[1])
			echo $entry["script"];
	}' "$to")" "${hostile%??}$(printf '\xef\xbf\xbd\xef\xbf\xbd')"
evil=$to

# 1.5 MB of arguments and as much of environment, each word as long as Linux takes it.
long=$(printf '%*s' 120000 '' | tr ' ' '\377')
words=()
for i in {1..12}; do
	words+=("-h$long")
done
directory=$site/shop
send_long() {
	# Not through as_site, as env(1) would have to pass it twice.
	(
		cd "$site/shop" || exit
		for i in {1..12}; do
			export "LONG_$i=$long"
		done
		export SCRIPT_FILENAME=$long
		ulimit -s 65536
		exec setpriv --reuid "$user" --regid "$user" --clear-groups -- \
			"$BIN/mini_sendmail" "${words[@]}" "$to" < <(printf 'Subject: x\n\nx\n')
	)
}
count=$((count + 1))
to=reader-$count@example.org
ok "three megabytes are none either" send_long
ok "they are cut" lists "$(printf '\\uFFFD%.0s' {1..509})...\"}"
at_most "both" "$(flushctl list --json | grep -F "\"$to\"" | wc -c)" 12000
long_to=$to

directory=$site/gone
mkdir "$directory"
count=$((count + 1))
to=reader-$count@example.org
send_from_nowhere() {
	(
		cd "$directory" && rmdir "$directory" || exit
		exec setpriv --reuid "$user" --regid "$user" --clear-groups -- \
			env PWD=/nowhere "$BIN/mini_sendmail" "$to" < <(printf 'Subject: x\n\nx\n')
	)
}
ok "nor is a directory that is gone" send_from_nowhere
ok "of which the shell's name is shown" shows directory /nowhere

# The longest line that flushd can have to log: postfix repeats in its refusal what it was given.
long=$(printf 'é%.0s' {1..400})
to=$long@elsewhere.test
directory=$site/shop
ok "nor are addresses that are long and not ASCII" \
	as_site SCRIPT_FILENAME="$long" "$BIN/mini_sendmail" -f "$long@site.test" "$to" < <(printf 'Subject: x\n\nx\n')

# --- in the log -----------------------------------------------------------------------------------------

flushd_start
ok "all of it is delivered" wait_until 30 flushd_has_logged "$count" ' status=sent '
ok "but for what postfix refuses" wait_until 30 flushd_has_logged 1 ' status=held '
ok "flushd ends in order" flushd_stop

# logged RECIPIENT: what stands behind it, up to the relay.
logged() {
	sed -n "s/.* to=<$1> \(.*\) relay=.*/\1/p" "$FLUSHD_LOG"
}
is "PHP's script is logged" "$(logged "$named")" "uid=$user script=\"$user:contact.php\""
is "the CGI program's" "$(logged "$cgi")" "uid=$user script=\"/srv/www/form.cgi\""
is "none where none is known" "$(logged "$cron")" "uid=$user"
is "the hostile one escaped" "$(logged "$evil")" \
	"uid=$user script=\"a\\x0d\\x0aid=X from=<> status=sent\\x1b[2J\\x22\\x5c\\xc3\\xff\""
is "the long one cut" "$(logged "$long_to")" "uid=$user script=\"$(printf '\\xff%.0s' {1..256})...\""
is "each message has its line" "$(grep -c ' status=sent ' "$FLUSHD_LOG")" "$count"
pair='[a-z_]+=(<[^>]*>|"[^"]*"|[^ "<>]+)'
is "and each line is pairs of key and value" \
	"$(sed 's/^flushd: //' "$FLUSHD_LOG" | grep 'id=' | grep -vE "^($pair )*$pair\$" || true)" ""
ok "in printable ASCII" is_printable "$FLUSHD_LOG"
ok "the longest is a long one" [ "$(grep ' status=held ' "$FLUSHD_LOG" | wc -c)" -ge 5000 ]
done_testing

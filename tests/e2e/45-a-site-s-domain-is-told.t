#!/bin/bash
#
# The configuration says which domain is a site's: its senders are told what could not be delivered, those of
# another site are not, though flushd is the same.

# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
needs_root "serves the spools of other users"
test_open
postfix_create
postfix_start
chmod 755 "$SCRATCH"
mkdir -p "$SCRATCH/etc/sites.d"
echo "relay = 127.0.0.1:$POSTFIX_PORT" >"$SCRATCH/etc/flushd.conf"

# site NAME DOMAIN
site() {
	mkdir -p "$SCRATCH/$1/var/spool"
	"$BIN/flushctl" init "$SCRATCH/$1/var/spool/mini-sendmail" --user nobody
	printf 'root = %s\nuser = nobody\ndomain = %s\n' "$SCRATCH/$1" "$2" >"$SCRATCH/etc/sites.d/$1.conf"
}

# send SITE
send() {
	printf 'Subject: from %s\nMessage-ID: <%s@site.test>\n\nbody\n' "$1" "$1" |
		MINI_SENDMAIL_SPOOL=$SCRATCH/$1/var/spool/mini-sendmail "$BIN/mini_sendmail" \
			-f sender@example.org refused@example.org
}

is_reported() {
	grep -qsFx "In-Reply-To: <$1@site.test>" "$MAILDIR"/new/*
}

site ours example.org
site other other.test
FLUSHD_LOG=$SCRATCH/flushd.log
"$BIN/flushd" --config "$SCRATCH/etc" >>"$FLUSHD_LOG" 2>&1 &
FLUSHD_PID=$!
at_exit flushd_clean_up
ok "a site whose domain it is may send" send ours
ok "and is told" wait_until 30 is_reported ours
ok "another may send" send other
ok "and its message is kept" wait_until 30 flushd_logged 'status=kept reason="the sender is not of the site'
ok "flushd ends in order" flushd_stop
wait_until 20 postfix_is_idle
is "nobody was told" "$(is_reported other && echo told)" ""
done_testing

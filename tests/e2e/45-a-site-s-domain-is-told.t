#!/bin/bash
#
# The configuration says which domain is a site's: its senders are told what could not be delivered, those of
# another site are not, though flushd is the same. And who writes to "root", or as "root", means root there.

# shellcheck source=tests/e2e/sites.sh
. "$(dirname "$0")/sites.sh"
sites_open
postfix_create
postfix_start
conf_write "failed_keep = 1d"
site_add ours 20001 "domain = example.org"
site_add other 20002 "domain = other.test"

# send NAME UID
send() {
	printf 'Subject: from %s\nMessage-ID: <%s@site.test>\n\nbody\n' "$1" "$1" |
		MINI_SENDMAIL_SPOOL=$JAILS/$1/$SPOOL_IN_JAIL as_uid "$2" "$BIN/mini_sendmail" \
			-f sender@example.org refused@example.org
}

is_reported() {
	grep -qsFx "In-Reply-To: <$1@site.test>" "$MAILDIR"/new/*
}

has_arrived() {
	grep -qsFx "Message-ID: <bare@site.test>" "$MAILDIR"/new/*
}

arrived_fields() {
	cat "$(grep -lFx "Message-ID: <bare@site.test>" "$MAILDIR"/new/*)"
}

service_start
ok "a site whose domain it is may send" send ours 20001
ok "and is told" wait_until 30 is_reported ours
ok "another may send" send other 20002
ok "and its message is kept" wait_until 30 flushd_logged 'status=kept reason="the sender is not of the site'
ok "addresses without a domain are taken" eval "printf 'Message-ID: <bare@site.test>\n\nbody\n' |
	MINI_SENDMAIL_SPOOL=$JAILS/ours/$SPOOL_IN_JAIL as_uid 20001 $BIN/mini_sendmail -f www root"
ok "and arrive" wait_until 30 has_arrived
is "as those of the site's domain" "$(arrived_fields | grep -E '^(Return-Path|Delivered-To|X-Original-To): ' | sort)" \
	"$(printf '%s\n' 'Delivered-To: root@example.org' 'Return-Path: <www@example.org>' 'X-Original-To: root@example.org')"
is "with the site's name" "$(arrived_fields | grep -c '(mini_sendmail, site ours, from userid 20001)$')" 1
ok "flushd ends in order" flushd_stop
wait_until 20 postfix_is_idle
is "nobody was told" "$(is_reported other && echo told)" ""
done_testing

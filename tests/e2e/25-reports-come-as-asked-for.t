#!/bin/bash
#
# What the command line asks for besides addresses reaches postfix, and its reports (RFC 3461) are
# as asked for. Each message is known by its envelope id, which the report repeats.

# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
needs_root "starts a postfix"
test_open
postfix_create
postfix_start
spool_create "$SCRATCH/spool"
flushd_start

# send ENVELOPE-ID RECIPIENT [OPTION...]: a message whose body is known by that id, too.
send() {
	local id=$1 recipient=$2
	shift 2
	printf 'Subject: x\nX-Letter: %s\n\nbody of %s\n' "$id" "$id" |
		"$BIN/mini_sendmail" -f sender@example.org "$@" "$recipient"
}

# find_report ENVELOPE-ID: REPORT is then the file that has it, if there is one.
find_report() {
	REPORT=$(grep -lFx "Original-Envelope-Id: $1" "$MAILDIR"/new/* 2>/dev/null)
}

# has_report CLAIM ENVELOPE-ID ACTION
has_report() {
	ok "$1" wait_until 20 find_report "$2"
	ok "$1: says $3" grep -qx "Action: $3" "${REPORT:-/dev/null}"
}

# Only the part of a report that brings the message back.
brings_back() {
	grep -qx "Content-Type: $1" "${REPORT:-/dev/null}"
}
has_body() {
	grep -qx "body of .*" "${REPORT:-/dev/null}"
}

# --- asked for ---------------------------------------------------------------------------------------

ok "-N success is accepted" send one-1 joe@example.org -V one-1 -N success
has_report "what was delivered is reported" one-1 delivered

ok "-N failure is accepted" send two-2 bounced@example.org -V 'two+2 = 4' -N failure -R hdrs
has_report "what could not be delivered is reported" 'two+2 = 4' failed
ok "with -R hdrs it has the header" brings_back text/rfc822-headers
is "and not the body" "$(has_body && echo body)" ""

ok "-R full is accepted" send three-3 bounced@example.org -V three-3 -R full
has_report "nothing said means failures are reported" three-3 failed
ok "with -R full it has the message" brings_back message/rfc822
ok "all of it" has_body

# Whom a message was for at first only SMTP can say.
session() {
	printf '%s\r\n' 'EHLO me' 'MAIL FROM:<sender@example.org> ENVID=orcpt+2B7' \
		'RCPT TO:<joe@example.org> NOTIFY=SUCCESS ORCPT=rfc822;joe+2Bold@example.org' \
		DATA 'Subject: x' '' x . QUIT | "$BIN/mini_sendmail" -bs >"$SCRATCH/replies"
}
ok "-bs takes an original recipient" session
has_report "what came by -bs is reported" orcpt+7 delivered
ok "for whom it was at first" grep -qxF 'Original-Recipient: rfc822;joe+old@example.org' "${REPORT:-/dev/null}"

# --- not asked for -----------------------------------------------------------------------------------

ok "-N never is accepted" send four-4 bounced@example.org -V four-4 -N never
ok "so is one without an envelope id" send five-5 bounced@example.org
ok "flushd has sent all four to that recipient" \
	wait_until 20 flushd_has_logged 4 'to=<bounced@example.org> .*status=sent'
id=$(grep 'to=<bounced@example.org> .*status=sent' "$FLUSHD_LOG" | sed -n '4s/.* id=\([A-Z0-9]*\) .*/\1/p')
has_report "the report of one without is known by flushd's id" "$id" failed
ok "postfix is done" wait_until 20 postfix_is_idle
is "nothing was reported of what asked for no report" "$(find_report four-4 && echo "$REPORT")" ""
is "nothing but these was reported" "$(grep -l '^Action:' "$MAILDIR"/new/* | wc -l)" 5

# --- in vain -------------------------------------------------------------------------------------------

ok "flushd ends in order" flushd_stop
postfix_stop
echo 'smtpd_discard_ehlo_keywords = dsn, 8bitmime, smtputf8' >>"$POSTFIX_DIR/etc/main.cf"
touch -d '1 minute ago' "$POSTFIX_DIR/etc/main.cf"
postfix_start
before=$(maildir_count)
ok "everything at once is accepted" \
	send six-6 joe@example.org -V six-6 -N success -R full -B 8BITMIME -O SMTPUTF8=yes
flushctl show "$(queue_field queue_id)" >"$SCRATCH/shown"
for line in 'body:         8BITMIME' 'SMTPUTF8:     wanted' 'envelope id:  six-6' 'return:       FULL' \
	'notify:       SUCCESS'; do
	ok "flushctl shows: $line" grep -qxF "$line" "$SCRATCH/shown"
done
flushd_start
ok "and delivered where it is not offered" maildir_wait $((before + 1)) 20
ok "postfix is done again" wait_until 20 postfix_is_idle
is "without a report" "$(maildir_count)" $((before + 1))
ok "flushd ends in order again" flushd_stop
done_testing

#!/bin/bash
#
# What the relay refuses is reported to the sender (RFC 3464), by way of the same spool, and what is in the
# report is read by a parser that is not ours.

# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
needs_root "starts a postfix"
test_open
postfix_create
postfix_start
spool_create "$SCRATCH/spool" --domain Example.ORG
flushd_start

# send TOKEN RECIPIENT... [OPTION...]: from sender@example.org, whose mailbox is postfix's.
send() {
	local token=$1
	shift
	printf 'Subject: on %s\nMessage-ID: <%s@site.test>\nX-Letter: %s\n\nbody of %s\n' "$token" "$token" "$token" \
		"$token" | "$BIN/mini_sendmail" -f "${SENDER-sender@example.org}" "$@"
}

# find_report TOKEN: REPORT is then the file that reports on the letter of that name.
find_report() {
	REPORT=$(grep -lFx "In-Reply-To: <$1@site.test>" "$MAILDIR"/new/* 2>/dev/null)
}

# reports_on TOKEN: how many there are.
reports_on() {
	{ grep -lFx "In-Reply-To: <$1@site.test>" "$MAILDIR"/new/* 2>/dev/null || true; } | wc -l
}

# report_says CLAIM WANT EXPRESSION: of the report as Python's email package has it: m is the message, words,
# status and original its parts, groups the fields of each recipient.
report_says() {
	is "$1" "$(python3 - "${REPORT:-/dev/null}" "$3" <<-'END' 2>&1
		import email, email.policy, sys
		m = email.message_from_binary_file(open(sys.argv[1], "rb"), policy=email.policy.default)
		parts = list(m.iter_parts())
		words, status, original = parts if len(parts) == 3 else (None, None, None)
		groups = status.get_payload()[1:]
		about = status.get_payload()[0]
		defects = [d for p in m.walk() for d in p.defects]
		print(eval(sys.argv[2]))
	END
	)" "$2"
}

# --- one that fails -----------------------------------------------------------------------------------

ok "a message is taken" send one refused@example.org
ok "its failure is reported" wait_until 20 find_report one
report_says "it has no defects" "[]" "defects"
report_says "it is a report" "multipart/report delivery-status" \
	"m.get_content_type() + ' ' + m.get_param('report-type')"
report_says "from the null sender" "<>" "m['Return-Path']"
report_says "to the sender" "sender@example.org" "m['To'].addresses[0].addr_spec"
report_says "that nobody answers" "auto-replied" "m['Auto-Submitted']"
report_says "in three parts" "text/plain message/delivery-status text/rfc822-headers" \
	"' '.join(p.get_content_type() for p in parts)"
report_says "says who did not get it" "rfc822; refused@example.org" "groups[0]['Final-Recipient']"
report_says "and that it failed" "failed" "groups[0]['Action']"
report_says "why, for programs" "5.1.1" "groups[0]['Status']"
report_says "what postfix said" "True" "'nobody of that name here' in groups[0]['Diagnostic-Code']"
report_says "where that was" "dns; [127.0.0.1]" "groups[0]['Remote-MTA']"
report_says "who says so" "dns; $(hostname)" "about['Reporting-MTA']"
report_says "nothing that nobody asked for" "None None" \
	"str(about['Original-Envelope-Id']) + ' ' + str(groups[0]['Original-Recipient'])"
report_says "and brings the header back" "on one" \
	"email.message_from_string(original.get_content())['Subject']"
report_says "but not the body" "False" "'body of one' in m.as_string()"
ok "nothing is left of both" wait_until 10 queue_is_empty
ok "flushd logs the report" flushd_logged 'report=[A-Z0-9]+ to=<sender@example.org> recipients=1'

# --- several recipients -------------------------------------------------------------------------------

ok "one to several is taken" send several joe@example.org refused@example.org later@example.org nobody@elsewhere.test
ok "what fails is reported" wait_until 20 find_report several
report_says "to the sender, once for all that failed" "1" "len(groups)"
report_says "and only those" "rfc822; refused@example.org" "groups[0]['Final-Recipient']"
is "what may be the relay's mistake is held" "$(queue_field state)" held
is "who failed is not listed any more" \
	"$(queue_field recipients | grep -o '[a-z]*@[a-z.]*' | sort -u | xargs)" "later@example.org nobody@elsewhere.test"
id=$(queue_field queue_id)
flushctl show "$id" >"$SCRATCH/shown"
ok "but shown as reported" grep -qE 'refused@example.org reported$' "$SCRATCH/shown"
ok "one that was delivered as that" grep -qE 'joe@example.org delivered$' "$SCRATCH/shown"
flushctl release "$id" >"$SCRATCH/released"
ok "a release tries the others again" wait_until 20 flushd_has_logged 2 "id=$id .*to=<later@example.org>"
is_held() {
	[ "$(queue_field state)" = held ]
}
ok "and they are held again" wait_until 10 is_held
held_id=$id
is "without a second report" "$(reports_on several)" 1

# --- as it was asked for -------------------------------------------------------------------------------

ok "-R full is taken" send full refused@example.org -R full -V 'id of+mine'
ok "and reported" wait_until 20 find_report full
report_says "with the whole message" "message/rfc822 body of full" \
	"original.get_content_type() + ' ' + original.get_payload()[0].get_content().strip()"
report_says "and its envelope id" "id of+mine" "about['Original-Envelope-Id']"

session() {
	printf '%s\r\n' 'EHLO me' 'MAIL FROM:<sender@example.org>' \
		'RCPT TO:<refused@example.org> ORCPT=rfc822;old+2Bname@example.org' \
		DATA 'Message-ID: <orcpt@site.test>' '' x . QUIT | "$BIN/mini_sendmail" -bs >"$SCRATCH/replies"
}
ok "ORCPT is taken" session
ok "and reported" wait_until 20 find_report orcpt
report_says "with the recipient as it was at first" "rfc822;old+name@example.org" "groups[0]['Original-Recipient']"

# --- beyond ASCII ----------------------------------------------------------------------------------------

printf 'Subject: caf\xe9\nMessage-ID: <latin@site.test>\nFrom: \xff\xfe <x@y>\n\nbody\n' |
	"$BIN/mini_sendmail" -f sender@example.org refused@example.org
ok "a header in Latin-1 is no hindrance" wait_until 20 find_report latin
report_says "to a report without defects" "[]" "defects"
report_says "which says that it has 8 bits" "8bit 8bit" \
	"m['Content-Transfer-Encoding'] + ' ' + original['Content-Transfer-Encoding']"
ok "byte for byte" grep -qaF "$(printf 'Subject: caf\xe9')" "$REPORT"

perl -e 'print "Message-ID: <huge\@site.test>\n", map({ "X-$_: " . "x" x 90 . "\n" } 1 .. 9000), "\nbody\n"' |
	"$BIN/mini_sendmail" -f sender@example.org refused@example.org -R full
ok "a huge header is no hindrance" wait_until 20 find_report huge
report_says "to a report without defects" "[]" "defects"

printf 'Message-ID: <utf8@site.test>\n\nbody\n' |
	"$BIN/mini_sendmail" -O SMTPUTF8=yes -f sender@example.org 'refused@example.org'
ok "SMTPUTF8 is no hindrance" wait_until 20 find_report utf8
report_says "to a report in UTF-8" "message/global-delivery-status message/global-headers" \
	"status.get_content_type() + ' ' + original.get_content_type()"
ok "with an address of that kind" grep -qxF 'Final-Recipient: utf-8; refused@example.org' "${REPORT:-/dev/null}"

printf 'Message-ID: <umlaut@site.test>\n\nbody\n' |
	"$BIN/mini_sendmail" -f $'j\xc3\xbcrgen@example.org' refused@example.org
ok "a sender with an umlaut is told" wait_until 20 find_report umlaut
report_says "to his address" $'j\xc3\xbcrgen@example.org' "m['To'].addresses[0].addr_spec"
ok "which postfix has from us as it is" grep -qxF $'Delivered-To: j\xc3\xbcrgen@example.org' "${REPORT:-/dev/null}"

# --- what is not reported ----------------------------------------------------------------------------------

# is_kept CLAIM TOKEN SENDER REASON: the last message stays as failed, and nothing is sent.
is_kept() {
	local id
	id=$(flushctl list --json | grep -F "\"sender\": \"$3\"" | sed -n 's/.*"queue_id": "\([^"]*\)".*/\1/p' | tail -n 1)
	last_id=$id
	ok "$1 is kept" wait_until 20 flushd_logged "id=$id status=kept reason=\"[^\"]*$4"
	is "$1 is failed" "$(flushctl show "$id" | sed -n 's/^state: *//p')" failed
	is "$1 is not reported" "$(reports_on "$2")" 0
}

SENDER='' send null refused@example.org
is_kept "a message from nobody" null MAILER-DAEMON "null sender"
SENDER=me@elsewhere.test send foreign refused@example.org
is_kept "a message from another domain" foreign me@elsewhere.test "not of the site's domain"
SENDER=never@example.org send never refused@example.org -N never
is_kept "one that asked for no report" never never@example.org "no report is wanted"
SENDER=success@example.org send success refused@example.org -N success
is_kept "one that asked about success only" success success@example.org "no report is wanted"

is "what is kept can be tried again" "$(flushctl retry "$last_id")" "1 message to be tried"
ok "which flushd does" wait_until 20 flushd_has_logged 2 "id=$last_id .*status=failed"
ok "and keeps it again" wait_until 20 flushd_has_logged 2 "id=$last_id status=kept"
status=0
said=$(flushctl retry "$held_id" 2>&1) || status=$?
is "what is on hold is not for retry" "$status ${said%%$'\n'*}" \
	"1 flushctl: $SPOOL: $held_id: on hold; see release"

# The report itself is refused, and that is the end of it.
SENDER=refused@example.org send loop refused@example.org
ok "a report that fails is kept" wait_until 20 flushd_logged \
	'from=<> to=<refused@example.org> .*status=failed'
is "and nothing is reported of it" "$(reports_on loop)" 0

# --- after 30 servers -------------------------------------------------------------------------------------

{
	for n in {1..31}; do
		echo "Received: from a by b; $n"
	done
	printf 'Subject: round and round\n\nbody\n'
} | "$BIN/mini_sendmail" -f circle@example.org joe@example.org
ok "a message that goes round in circles is held" wait_until 20 flushd_logged 'status=held reason=loop'
id=$(flushctl list --json | grep -F circle@example.org | sed -n 's/.*"queue_id": "\([^"]*\)".*/\1/p')
ok "which is shown" grep -qE '^hold reason: +it goes round in circles' <(flushctl show "$id")
before=$(maildir_count)
flushctl release "$id" >"$SCRATCH/released"
ok "and it is sent when somebody releases it" wait_until 20 flushd_logged "id=$id .*status=sent"
ok "and delivered" maildir_wait $((before + 1)) 20

# --- success, and a relay that says nothing of it -----------------------------------------------------------

ok "flushd ends in order" flushd_stop
postfix_stop
echo 'smtpd_discard_ehlo_keywords = dsn' >>"$POSTFIX_DIR/etc/main.cf"
touch -d '1 minute ago' "$POSTFIX_DIR/etc/main.cf"
postfix_start
flushd_start
ok "-N success is taken" send relayed joe@example.org -N success
ok "and the sender told how far it came" wait_until 20 find_report relayed
report_says "which is to the relay" "relayed 2.0.0" "groups[0]['Action'] + ' ' + groups[0]['Status']"
report_says "not further" "Mail Was Passed On" "m['Subject']"
before=$(maildir_count)
ok "nothing asked for is taken" send unasked joe@example.org
ok "and delivered" maildir_wait $((before + 1)) 20
ok "postfix is done" wait_until 20 postfix_is_idle
is "and the sender not told" "$(reports_on unasked)" 0
ok "flushd ends in order again" flushd_stop
done_testing

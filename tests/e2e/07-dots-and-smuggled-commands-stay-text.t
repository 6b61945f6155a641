#!/bin/bash
#
# A line with a lone dot ends an SMTP message, and postfix, from its own host, takes several sloppy forms
# of one. Whoever can write one into a body could follow it with commands of his own, and send what he
# likes to whom he likes. Every such body must arrive as one message with this text in it.

# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
needs_root "starts a postfix"
test_open
postfix_create
postfix_start
spool_create "$SCRATCH/spool"

# attempt NAME BEFORE AFTER: a body with a dot between these two line ends, then SMTP commands.
attempts=0
attempt() {
	local commands='MAIL FROM:<evil@example.org>\r\nRCPT TO:<victim@example.org>\r\nDATA\r\n'
	local body="an innocent line$2.$3$commands"'Subject: smuggled\r\n\r\nsmuggled\r\n.\r\nQUIT\r\n'
	attempts=$((attempts + 1))
	# shellcheck disable=SC2059 # the bodies are written as formats
	printf "$body" >"$SCRATCH/body"
	{
		printf 'To: reader@example.org\nX-Letter: %s\n\n' "$1"
		cat "$SCRATCH/body"
	} | "$BIN/mini_sendmail" -t -i -f sender@site.test
	perl -0777 -pe 's/\r*\n/\n/g; s/\r/ /g' "$SCRATCH/body" >"$SCRATCH/arrives"
	journal_body "$1" "$SCRATCH/arrives"
}

attempt LF.LF '\n' '\n'
attempt CRLF.LF '\r\n' '\n'
attempt LF.CRLF '\n' '\r\n'
attempt CRLF.CRLF '\r\n' '\r\n'
attempt CR.CR '\r' '\r'
attempt CR.LF '\r' '\n'
attempt LF.CR '\n' '\r'
attempt CRLF.CR '\r\n' '\r'
attempt CRCRLF.CRCRLF '\r\r\n' '\r\r\n'
attempt leading-dots '\n..\n...\n.a\n..b\n' '\n'

ok "all are taken" [ "$(queue_field sender | grep -c '^sender@site.test$')" -eq "$attempts" ]
flushd_start
ok "they are delivered" maildir_wait "$attempts" 30
ok "the queue is empty" wait_all_delivered 10
is "each is one message" "$(maildir_count)" "$attempts"
nothing_wrong "with its text as it was given"
is "nothing has reached the victim" \
	"$(arrived_headers | grep -c '^Delivered-To: victim' || true)" 0
ok "flushd ends in order" flushd_stop
done_testing

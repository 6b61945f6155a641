#!/bin/bash
#
# A real postfix that is set up wrongly, or is full, or has limits: the mail of a site must not be bounced for that, and
# what a message is to blame for must not hold up the others.

# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
needs_root "starts a postfix"
test_open
postfix_create
spool_create "$SCRATCH/spool"
cp "$POSTFIX_DIR/etc/main.cf" "$SCRATCH/main.cf"

# postfix_with SETTING...: start it anew, with these settings.
postfix_with() {
	postfix_stop
	{
		cat "$SCRATCH/main.cf"
		printf '%s\n' "$@"
	} >"$POSTFIX_DIR/etc/main.cf"
	touch -d '1 minute ago' "$POSTFIX_DIR/etc/main.cf"
	postfix_start
}

submit() {
	local sender=$1
	shift
	{
		printf 'Subject: x\nX-Letter: %s\n\n' "$sender"
		printf 'from %s\n' "$sender"
	} | "$BIN/mini_sendmail" -i -N never -f "$sender@site.test" "$@"
}

state_of() {
	flushctl list --json | sender="$1@site.test" perl -MJSON::PP -ne '
		my $m = decode_json($_);
		print "$m->{state} $m->{attempts}\n" if $m->{sender} eq $ENV{sender};
	'
}

state_is() {
	[ "$(state_of "$1")" = "$2" ]
}

arrived() {
	grep -lx "from $1" "$MAILDIR"/new/* 2>/dev/null | wc -l
}

has_arrived() {
	[ "$(arrived "$1")" -ge "$2" ]
}

# has_not_logged SENDER PATTERN
has_not_logged() {
	! flushd_logged "from=<$1@site.test> .*$2"
}

# --- restrictions that refuse every client, which postfix says at RCPT -----------------------------------

postfix_with 'smtpd_client_restrictions = reject'
submit denied one@example.org two@example.org
flushd_start
ok "everybody is denied: the message is held" wait_until 20 state_is denied "held 1"
ok "with what postfix says" grep -q '554 5.7.1' <<<"$(flushctl list)"
postfix_with
submit behind three@example.org
ok "other mail goes once that is mended" wait_until 20 has_arrived behind 1
flushctl release --all >"$SCRATCH/released"
ok "and so does what was held, released" wait_until 20 has_arrived denied 2

# --- a full disk: 452 to MAIL, and 503 to what came with it ----------------------------------------------

postfix_with 'queue_minfree = 4000000000000000'
submit full one@example.org two@example.org
ok "a full postfix is down" wait_until 20 flushd_logged 'state=down waiting=1 '
ok "because it says so" flushd_logged 'complaint="MAIL: 452 4.3.1 '
is "which is not the message's fault" "$(state_of full)" "new 0"
postfix_with
ok "it goes when there is room" wait_until 60 has_arrived full 2
ok "flushd says that postfix is up" flushd_logged 'state=up '

# --- limits ------------------------------------------------------------------------------------------------

postfix_with 'smtpd_recipient_limit = 3' 'smtpd_recipient_overshoot_limit = 1'
submit list r{0..9}@example.org
ok "a list goes three at a time" wait_until 20 has_arrived list 10
ok "and leaves the spool" wait_until 10 queue_is_empty
ok "nobody was put off" has_not_logged list status=deferred
is "nobody got it twice" "$(arrived list)" 10

postfix_with 'message_size_limit = 30000'
flushd_stop
{
	printf 'Subject: x\n\n'
	head -c 40000 /dev/zero | tr '\0' 'x' | fold -w 70
} | "$BIN/mini_sendmail" -i -N never -f large@site.test one@example.org
flushd_start
ok "too large a message fails" wait_until 20 state_is large "failed 1"
submit small one@example.org
ok "and stops no other" wait_until 20 has_arrived small 1

postfix_with 'smtpd_client_message_rate_limit = 1' 'smtpd_client_event_limit_exceptions ='
submit first one@example.org
submit second one@example.org
submit third one@example.org
ok "one message goes" wait_until 20 has_arrived first 1
ok "the others are put off" wait_until 20 state_is second "deferred 1"
ok "the others are put off" wait_until 20 state_is third "deferred 1"
ok "flushd ends in order" flushd_stop
is "nothing arrived twice" "$(arrived denied) $(arrived behind) $(arrived full) $(arrived small) $(arrived first)" "2 1 2 1 1"
done_testing

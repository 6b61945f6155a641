#!/bin/bash
#
# What a site may send in an hour: an hour's worth goes at once, what is more waits, is held, or is refused at its
# submission, as the operator wants. Nothing is lost by it, and no other site notices.

# shellcheck source=tests/e2e/sites.sh
. "$(dirname "$0")/sites.sh"
sites_open
moody_start well
conf_write "messages_per_hour = 6"
site_add paced 20001
site_add held 20002 "over_rate = hold"
site_add refused 20003 "over_rate = refuse"
site_add many 20004 "messages_per_hour = 0" "recipients_per_hour = 5"
site_add free 20005 "messages_per_hour = 0"
service_start

submit_some() {
	local n
	for ((n = 0; n < $3; n++)); do
		site_submit "$1" "$2" "$1@site.test"
	done
}

# waits SITE COUNT: so many messages are in its spool.
waits() {
	[ "$("$BIN/flushctl" --spool "$JAILS/$1/$SPOOL_IN_JAIL" list --json | wc -l)" -eq "$2" ]
}

for site in paced:20001 held:20002 free:20005; do
	submit_some "${site%:*}" "${site#*:}" 9
done
submit_some refused 20003 7
ok "an hour's worth goes at once" wait_until 10 is_taken paced@site.test 6
ok "the rest waits" wait_until 5 waits paced 3
is "which is said once" "$(grep -c 'site=paced rate=paced waiting=' "$FLUSHD_LOG")" 1
submit_some paced 20001 1
sleep 1
is "what comes later waits too, with another worker" "$(grep -cxF '<paced@site.test>' "$SCRATCH/taken")" 6
ok "behind the others" waits paced 4

ok "of another site as much goes" wait_until 10 is_taken held@site.test 6
ok "and the rest is held" wait_until 5 flushd_has_logged 3 'site=held id=.* status=held reason=rate'
SPOOL=$JAILS/held/$SPOOL_IN_JAIL
is "as a list says" "$(flushctl list | grep -c 'more than the site may send in an hour')" 3
ok "an operator may let it go" flushctl release --all
ok "as soon as the rate allows" wait_until 5 waits held 3

ok "of a third as much goes" wait_until 10 is_taken refused@site.test 6
refuses() {
	! site_submit refused 20003 refused@site.test 2>"$SCRATCH/stderr"
}
ok "one more waits, and then all are refused" wait_until 5 refuses
status=0
site_submit refused 20003 refused@site.test 2>"$SCRATCH/stderr" || status=$?
is "with status 69" "$status" 69
ok "and words" grep -q "this site has sent as much as it may within an hour" "$SCRATCH/stderr"
ok "which are on record" grep -q "exit=69 .*within an hour" "$JAILS/refused/$SPOOL_IN_JAIL/refused.log"

# Recipients are counted on their own.
printf 'Subject: x\n\n' | MINI_SENDMAIL_SPOOL=$JAILS/many/$SPOOL_IN_JAIL as_uid 20004 "$BIN/mini_sendmail" \
	-f many@site.test a@example.org b@example.org c@example.org d@example.org
ok "four recipients of five" wait_until 10 is_taken many@site.test 1
printf 'Subject: x\n\n' | MINI_SENDMAIL_SPOOL=$JAILS/many/$SPOOL_IN_JAIL as_uid 20004 "$BIN/mini_sendmail" \
	-f more@site.test a@example.org b@example.org
ok "two more wait" wait_until 10 flushd_logged 'site=many rate=paced'
is "none of them got it" "$(grep -cxF '<more@site.test>' "$SCRATCH/taken" || true)" 0

ok "a site without a rate has none" wait_until 10 is_taken free@site.test 9

# Another rate is in force at once.
conf_write "messages_per_hour = 100000"
site_write refused 20003
kill -HUP "$FLUSHD_PID"
ok "a higher rate lets go what waits" wait_until 10 is_taken paced@site.test 10
takes_again() {
	site_submit refused 20003 again@site.test 2>"$SCRATCH/stderr"
}
ok "and takes what was refused" wait_until 10 takes_again

# And the one that an operator sets by hand.
SPOOL=$JAILS/free/$SPOOL_IN_JAIL
ok "a site can be blocked" flushctl block
status=0
site_submit free 20005 blocked@site.test 2>"$SCRATCH/stderr" || status=$?
is "then it may not send" "$status $(sed 's/.*: //' "$SCRATCH/stderr")" "69 it may not send mail now"
kill -HUP "$FLUSHD_PID"
sleep 0.5
status=0
site_submit free 20005 blocked@site.test 2>"$SCRATCH/stderr" || status=$?
is "nor after flushd has looked" "$status" 69
ok "until it is unblocked" flushctl unblock
ok "and sends again" site_submit free 20005 again@free.test
ok "which arrives" wait_until 10 is_taken again@free.test
ok "flushd ends in order" flushd_stop
done_testing

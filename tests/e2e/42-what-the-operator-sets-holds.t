#!/bin/bash
#
# The limits and policies of a configuration reach the spools, their senders and the workers, at the start and when
# they are changed.

# shellcheck source=tests/e2e/sites.sh
. "$(dirname "$0")/sites.sh"
sites_open
moody_start well
conf_write "soft_bounce = yes"
site_add small 20001 "message_size = 2K" "recipients = 2"
site_add other 20002

# submit_bytes NAME UID COUNT: its exit status.
submit_bytes() {
	local status=0
	{
		printf 'Subject: x\n\n'
		head -c "$3" /dev/zero | tr '\0' x | fold -w 70
	} | MINI_SENDMAIL_SPOOL=$JAILS/$1/$SPOOL_IN_JAIL as_uid "$2" "$BIN/mini_sendmail" -i -f "$1@site.test" \
		reader@example.org 2>"$SCRATCH/stderr" || status=$?
	echo "$status"
}

refuses_at() {
	[ "$(submit_bytes "$@")" -eq 69 ]
}

SPOOL=$JAILS/small/$SPOOL_IN_JAIL
is "before the first start the spool's own limits hold" "$(submit_bytes small 20001 4000)" 0
service_start
ok "then those of the configuration" wait_until 10 refuses_at small 20001 4000
ok "and the sender hears of them" grep -q 2048 "$SCRATCH/stderr"
is "shorter ones are taken" "$(submit_bytes small 20001 1000)" 0
is "and another site's longer ones" "$(submit_bytes other 20002 4000)" 0
status=0
printf 'Subject: x\n\n' | MINI_SENDMAIL_SPOOL=$SPOOL as_uid 20001 "$BIN/mini_sendmail" -f small@site.test \
	a@example.org b@example.org c@example.org 2>"$SCRATCH/stderr" || status=$?
is "so many recipients are too many" "$status" 69

site_write small 20001 "message_size = 8K" "soft_bounce = no"
kill -HUP "$FLUSHD_PID"
takes_now() {
	[ "$(submit_bytes small 20001 4000)" -eq 0 ]
}
ok "what is changed holds from the next worker on" wait_until 10 takes_now
ok "all that was taken is delivered" wait_until 10 queue_is_empty

# A refusal for good: with soft_bounce it is none.
echo "550 5.1.1 at RCPT 1" >"$SCRATCH/mood"
site_submit small 20001 hard@small.test
site_submit other 20002 soft@other.test
ok "without soft_bounce what is refused has failed" wait_until 10 flushd_logged \
	'site=small .*from=<hard@small.test> .*status=failed'
ok "with it, it is tried again" wait_until 10 flushd_logged 'site=other .*from=<soft@other.test> .*status=deferred'
echo well >"$SCRATCH/mood"
ok "flushd ends in order" flushd_stop

# A jail that was cloned with its disk has the inodes of the original, but another name.
site_submit other 20002 waits@other.test
mv "$CONF/sites.d/other.conf" "$CONF/sites.d/clone.conf"
service_start
SPOOL=$JAILS/other/$SPOOL_IN_JAIL
is_held() {
	flushctl list | grep -q 'copied spool'
}
ok "what waits in another site's spool is held" wait_until 10 is_held
site_submit other 20002 new@clone.test
ok "what comes later is sent" wait_until 10 is_taken new@clone.test
ok "the other is not" is_taken waits@other.test 0
ok "flushd ends in order again" flushd_stop
done_testing

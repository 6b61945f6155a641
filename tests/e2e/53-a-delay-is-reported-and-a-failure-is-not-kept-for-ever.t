#!/bin/bash
#
# What takes long: after four hours a sender who asked for it is told that his message is late, once; and what has failed,
# and nobody could be told of, is removed when it was kept for as long as is configured. The hours pass in time
# namespaces: each flushd has a clock of the boot that is an hour ahead of the last one's.

# shellcheck source=tests/e2e/sites.sh
. "$(dirname "$0")/sites.sh"
sites_open
unshare --time --boottime 3600 true 2>"$SCRATCH/unshare" ||
	skip_all "a time namespace cannot be had: $(cat "$SCRATCH/unshare")"
postfix_create
postfix_start
conf_write
site_add site 20001 "domain = example.org" "failed_keep = 1m"
SPOOL=$JAILS/site/$SPOOL_IN_JAIL

# submit SENDER RECIPIENT [OPTION...]
submit() {
	local sender=$1 recipient=$2
	shift 2
	printf 'Subject: for %s\n\nx\n' "$recipient" | MINI_SENDMAIL_SPOOL=$SPOOL as_uid 20001 "$BIN/mini_sendmail" \
		-i -f "$sender" "$@" "$recipient"
}

# service_start_later HOURS
service_start_later() {
	FLUSHD_LOG=$SCRATCH/flushd.log
	[ -n "$FLUSHD_PID" ] || at_exit flushd_clean_up
	unshare --time --boottime $(($1 * 3600)) "$BIN/flushd" --config "$CONF" >>"$FLUSHD_LOG" 2>&1 &
	FLUSHD_PID=$!
}

# Nobody can be told of it: its sender is null.
submit '' refused@example.org
begin=$(now_us)
submit asks@example.org later@example.org -N delay,failure -V late-1
submit silent@example.org later@example.org -N failure -V late-2
submit usual@example.org later@example.org -V late-3

attempts() {
	flushd_has_logged "$1" 'to=<later@example.org>.*status=deferred'
}
report_of() {
	grep -lFx "Original-Envelope-Id: $1" "$MAILDIR"/new/* || true
}
reports() {
	report_of "$1" | wc -l
}

for hour in 0 1 2 3; do
	flushctl retry --all >/dev/null
	service_start_later "$hour"
	ok "after $hour h all three are tried" wait_until 20 attempts $((3 * (hour + 1)))
	ok "flushd ends in order" flushd_stop
done
is "nobody is told before four hours" "$(maildir_count)" 0
flushctl retry --all >/dev/null
service_start_later 5
ok "after more they are tried again" wait_until 20 attempts 15
ok "who asked for it is told" wait_until 20 maildir_has 1
ok "flushd ends in order" flushd_stop
flushctl retry --all >/dev/null
service_start_later 6
ok "another hour later they are tried again" wait_until 20 attempts 18
ok "flushd ends in order" flushd_stop
ok "postfix has nothing on its way" wait_until 10 postfix_is_idle
is "he is told once" "$(reports late-1)" 1
is "who did not want that is not" "$(reports late-2)" 0
is "nor who said nothing" "$(reports late-3)" 0
REPORT=$(report_of late-1)
is "it says that it is late" "$(grep -x 'Action: .*' "$REPORT")" "Action: delayed"
ok "with the relay's words" grep -q 'Diagnostic-Code: smtp; 450 4.2.0' "$REPORT"
ok "and until when it is tried" grep -q '^Will-Retry-Until: ' "$REPORT"
ok "it goes to the sender" grep -q '^X-Original-To: asks@example.org\|^To: .*asks@example.org' "$REPORT"
is "all three wait on" "$(queue_field state | grep -c deferred)" 3

# --- what was kept for long enough --------------------------------------------------------------------

ok "what failed was kept" flushd_logged 'status=kept'
is "and is there" "$(queue_field state | grep -c failed)" 1
# It is an hour since it was tried last, by the clock of the boot; but not a minute since it was submitted.
service_start_later 7
submit any@example.org joe@example.org
ok "the service runs" wait_until 20 flushd_logged 'to=<joe@example.org>.*status=sent'
is "before its time it is not removed" "$(grep -c 'status=removed' "$FLUSHD_LOG" || true)" 0
# A minute is the least that can be configured.
while [ $(($(now_us) - begin)) -lt 61000000 ]; do
	sleep 1
done
is_removed() {
	# A worker that has sent what there was looks for what is old.
	submit any@example.org joe@example.org
	flushd_logged 'status=removed reason="failed 0 days ago" from=<> to=<refused@example.org>'
}
ok "then it is, with a line in the log" wait_until 30 is_removed
is "it is gone" "$(queue_field state | grep -c failed)" 0
is "and nothing else" "$(queue_field state | grep -c deferred)" 3
ok "flushd ends in order" flushd_stop
done_testing

#!/bin/bash
#
# After an outage many sites have mail. The relay gets one connection, a second later two, then four.

# shellcheck source=tests/e2e/sites.sh
. "$(dirname "$0")/sites.sh"
sites_open
port_reserve POSTFIX_PORT
COUNT=12
conf_write "max_connections = 8"
for ((n = 1; n <= COUNT; n++)); do
	site_add "site$n" $((20000 + n))
	site_submit "site$n" $((20000 + n)) "site$n@site.test"
done
service_start
ok "the relay is down" wait_until 10 flushd_logged 'state=down'
all_are_counted() {
	[ "$(flushd_workers | wc -l)" -eq 0 ]
}
ok "nothing is tried" wait_until 30 all_are_counted

# Each connection stays where it is at the end of its first message.
echo 'hang at dot of mail' >"$SCRATCH/mood"
: >"$SCRATCH/taken"
: >"$SCRATCH/links"
tests/rig/moody_smtpd "$POSTFIX_PORT" "$SCRATCH" &
pid=$!
at_exit "end_child $pid || true"
ok "the relay is up again" wait_until 20 flushd_logged 'state=up'
begin=$(now_us)
most=""
while [ $(($(now_us) - begin)) -lt 4500000 ]; do
	at=$((($(now_us) - begin) / 1000000))
	links=$(($(wc -l <"$SCRATCH/links")))
	# One more than that is the probe's. The supervisor's second may begin a little before ours.
	[ "$links" -le $(((1 << (at + 1)) + 1)) ] || most+="$links after $at s; "
	sleep 0.05
done
is "connections double each second at most" "$most" ""
at_most "and are no more than there may be" "$(wc -l <"$SCRATCH/links")" 9
at_least=$(wc -l <"$SCRATCH/links")
ok "though there are more than one by then: $at_least" [ "$at_least" -ge 4 ]

# Or their workers would wait for the reply.
pkill -P "$pid"
done_testing

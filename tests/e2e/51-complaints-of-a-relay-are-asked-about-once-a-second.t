#!/bin/bash
#
# The workers of many sites complain of the relay, each for its own message. However many there are, the relay is asked
# once a second at most whether they are right; it is not down for that, and each message is put off on its own.

# shellcheck source=tests/e2e/sites.sh
. "$(dirname "$0")/sites.sh"
sites_open
moody_start '421 at MAIL of mail'
COUNT=8
EACH=4
# shellcheck disable=SC2119 # it needs no more lines
conf_write
for ((n = 1; n <= COUNT; n++)); do
	site_add "site$n" $((20000 + n))
	for ((m = 0; m < EACH; m++)); do
		site_submit "site$n" $((20000 + n)) "site$n@site.test"
	done
done
begin=$(now_us)
service_start
all_are_put_off() {
	[ "$(grep -c 'status=deferred' "$FLUSHD_LOG")" -ge $((COUNT * EACH)) ]
}
ok "each message is put off" wait_until 60 all_are_put_off
seconds=$((($(now_us) - begin) / 1000000))
ok "as each worker has complained" flushd_has_logged $((COUNT * EACH)) 'complaint='
at_most "probes in $seconds s" $(($(wc -l <"$SCRATCH/links") - COUNT * EACH)) $((seconds + 2))
is "the relay is not down for that" "$(grep -c state=down "$FLUSHD_LOG" || true)" 0
ok "flushd ends in order" flushd_stop
done_testing

#!/bin/bash
#
# Ten sites, each with a user of its own, submit all at once and all the time, while workers and now and then the
# supervisor are killed by SIGKILL at random. What was acknowledged arrives, whole, and nothing else does. Doubled is at
# most what a worker had sent and not recorded when it was killed: a commit's worth, LEDGER_MAX of ledger.h, and one
# more on each of its two connections.

# shellcheck source=tests/e2e/sites.sh
. "$(dirname "$0")/sites.sh"
sites_open
postfix_create
postfix_start
SITES=10
LETTERS_EACH=60
seconds=20
[ -z "${E2E_LONG:-}" ] || { seconds=60; LETTERS_EACH=200; }
AT_RISK=$((12 + 2))
conf_write "max_workers = 6" "max_connections = 8"
for ((n = 1; n <= SITES; n++)); do
	site_add "site$n" $((20000 + n))
done
letters_write $((SITES * LETTERS_EACH)) 1200
chmod -R a+rX "$LETTERS"

# submit_for SITE-NUMBER: that site's share of the letters, again and again what was refused meanwhile.
submit_for() {
	local token
	sed -n "$((($1 - 1) * LETTERS_EACH + 1)),$(($1 * LETTERS_EACH))p" "$LETTERS/index" |
		while read -r token rest; do
			MINI_SENDMAIL_SPOOL=$JAILS/site$1/$SPOOL_IN_JAIL as_uid $((20000 + $1)) \
				"$BIN/mini_sendmail" -t -i -f sender@site.test <"$LETTERS/$token.eml" 2>>"$SCRATCH/stderr" &&
				echo "$token $rest" >>"$JOURNAL"
			# So that there is load for as long as there are kills; and backlogs, for it comes in bursts.
			[ $((RANDOM % 8)) -ne 0 ] || sleep "$(((RANDOM % 20) * seconds / LETTERS_EACH / 3)).$((RANDOM % 10))"
		done
}

keep_running() {
	has_ended "$FLUSHD_PID" || return 0
	wait "$FLUSHD_PID" 2>/dev/null || true
	service_start
}

: >"$SCRATCH/stderr"
service_start
senders=()
for ((n = 1; n <= SITES; n++)); do
	submit_for "$n" &
	senders+=($!)
done

worker_kills=0
supervisor_kills=0
end=$(($(now_us) + seconds * 1000000))
while [ "$(now_us)" -lt "$end" ]; do
	sleep "0.$((RANDOM % 3))$((RANDOM % 10))"
	keep_running
	if [ $((RANDOM % 6)) -eq 0 ]; then
		kill -KILL "$FLUSHD_PID" && supervisor_kills=$((supervisor_kills + 1))
		wait "$FLUSHD_PID" 2>/dev/null || true
		continue
	fi
	victim=$(flushd_workers | shuf -n 1)
	[ -n "$victim" ] && kill -KILL "$victim" 2>/dev/null && worker_kills=$((worker_kills + 1))
done
keep_running
wait "${senders[@]}"

# all_empty: no site's queue has anything. A message whose reply to the dot was lost would wait for minutes, and a site
# whose workers were killed in a row is delayed until SIGHUP.
all_empty() {
	local n
	keep_running
	for ((n = 1; n <= SITES; n++)); do
		SPOOL=$JAILS/site$n/$SPOOL_IN_JAIL
		queue_is_empty || {
			flushctl retry --all >/dev/null || true
			kill -HUP "$FLUSHD_PID" 2>/dev/null || true
			return 1
		}
	done
}
ok "everything has left the spools" wait_until 120 all_empty
ok "postfix has delivered everything" wait_until 60 postfix_is_idle
result=$(comparison)
doubled=${result##*doubled=}
taken=$(wc -l <"$JOURNAL")
diag "$worker_kills kills of workers, $supervisor_kills of the supervisor: $doubled of $taken doubled"
is "all was taken, whatever was killed" "$taken" $((SITES * LETTERS_EACH))
is "no sender said a word" "$(cat "$SCRATCH/stderr")" ""
at_most "there were kills of workers enough to mean something (5 or more)" 5 "$worker_kills"
at_most "and of supervisors (2 or more)" 2 "$supervisor_kills"
is "nothing is lost, altered or invented" "${result% doubled=*}" "lost=0 altered=0 strange=0"
# A worker whose supervisor was killed records what it has sent, and leaves.
at_most "no more doubled than was at risk" "$doubled" $((worker_kills * AT_RISK))
is "no worker ended by itself" "$(grep -E 'worker (failed|ended by signal)' "$FLUSHD_LOG" | grep -v 'signal 9' || true)" ""
is "and no message was put aside" "$(grep -E 'status=(held|skipped|kept|failed)' "$FLUSHD_LOG" || true)" ""
ok "flushd ends in order" flushd_stop
done_testing

#!/bin/bash
#
# A hundred sites, each of a user of its own, and one flushd for all of them. Sites come and go without a restart.

# shellcheck source=tests/e2e/sites.sh
. "$(dirname "$0")/sites.sh"
sites_open
moody_start well
COUNT=100
FIRST_UID=20000
conf_write "max_workers = 8" "max_connections = 4"
service_start
ok "without sites it starts" wait_until 5 flushd_logged 'sites=0 configured'
ok "and ends in order" end_child "$FLUSHD_PID" 5
for ((n = 1; n <= COUNT; n++)); do
	site_add "site$n" $((FIRST_UID + n))
done

all_taken() {
	[ "$(sort -u "$SCRATCH/taken" | wc -l)" -ge "$1" ]
}

# submit_all ROUND: every site at once, in a few processes.
submit_all() {
	local lane n pids=()
	for lane in 0 1 2 3; do
		for ((n = 1 + lane; n <= COUNT; n += 4)); do
			site_submit "site$n" $((FIRST_UID + n)) "$1-$n@site.test" || echo "$n" >>"$SCRATCH/refused"
		done &
		pids+=($!)
	done
	wait "${pids[@]}"
}

has_no_workers() {
	[ -z "$(flushd_workers)" ]
}

most_workers() {
	local most=0 now
	while ! all_taken "$1" && ! has_ended "$FLUSHD_PID"; do
		now=$(flushd_workers | wc -l)
		[ "$now" -le "$most" ] || most=$now
		sleep 0.02
	done
	echo "$most"
}

: >"$SCRATCH/refused"
submit_all before
service_start
most=$(most_workers $COUNT)
is "what waited before the start arrives from every site" "$(sort -u "$SCRATCH/taken" | wc -l)" "$COUNT"
at_most "workers at the same time" "$most" 8
ok "none stays" wait_until 10 has_no_workers
submit_all after
ok "what comes later arrives from every site" wait_until 30 all_taken $((2 * COUNT))
is "nothing was refused" "$(cat "$SCRATCH/refused")" ""
is "nothing came twice" "$(taken_count)" $((2 * COUNT))
is "each is in the log" "$(grep -c "status=sent" "$FLUSHD_LOG")" $((2 * COUNT))

# One more, and one less.
site_add late 30000
site_submit late 30000 first@late.test
rm "$CONF/sites.d/site7.conf"
kill -HUP "$FLUSHD_PID"
ok "a new site is served after SIGHUP" wait_until 10 is_taken first@late.test
site_submit site7 20007 gone@site.test
site_submit late 30000 second@late.test
ok "and later" wait_until 10 is_taken second@late.test
ok "one that is gone is not" is_taken gone@site.test 0
is "its mail waits" "$("$BIN/flushctl" --spool "$JAILS/site7/$SPOOL_IN_JAIL" list --json | wc -l)" 1
site_write site7 20007
kill -HUP "$FLUSHD_PID"
ok "until it is back" wait_until 10 is_taken gone@site.test

# One whose spool is not there is looked for now and then, and at once when flushd is told to.
site_write spoolless 30001
kill -HUP "$FLUSHD_PID"
ok "a missing spool is said" wait_until 20 flushd_logged "site=spoolless $JAILS/spoolless/$SPOOL_IN_JAIL: No such file or directory; again in 8 s"
jail_create spoolless 30001
site_submit spoolless 30001 first@spoolless.test
kill -HUP "$FLUSHD_PID"
ok "SIGHUP does not wait for that" wait_until 4 is_taken first@spoolless.test

# What is wrong is said, and that site goes on as it was.
echo "quota = much" >>"$CONF/sites.d/site1.conf"
kill -HUP "$FLUSHD_PID"
ok "a wrong value is said with file and line" wait_until 5 \
	flushd_logged "sites.d/site1.conf:3: quota = much: want a number of bytes"
site_submit site1 20001 still@site1.test
ok "and the site goes on" wait_until 10 is_taken still@site1.test
status=0
"$BIN/flushd" --config "$CONF" -n >"$SCRATCH/stdout" 2>"$SCRATCH/stderr" || status=$?
is "flushd -n says the same" "$status $(cat "$SCRATCH/stdout")" "1 "
site_write site1 20001 "quota = 5M" "domain = site1.test"
is "and what holds, if all is well" "$("$BIN/flushd" --config "$CONF" -n | grep -A 8 'site1.conf' | grep -E '^(quota|domain)')" \
	$'domain = site1.test\nquota = 5M'
kill -HUP "$FLUSHD_PID"
site_submit site1 20001 last@site1.test
ok "what is right again is in force" wait_until 10 is_taken last@site1.test
ok "it ends in order" flushd_stop
done_testing

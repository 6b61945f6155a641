#!/bin/bash
#
# flushctl metrics: what Prometheus reads is in its format, and what it says is so; counters begin anew with flushd, and
# that there is none is a metric; a file is replaced whole.
#
# shellcheck disable=SC2016,SC2119 # eval expands them; lines are for those who need them

# shellcheck source=tests/e2e/sites.sh
. "$(dirname "$0")/sites.sh"
sites_open
moody_start well
SOCKET=$SCRATCH/run/status
conf_write
sed -i "s|^status_socket.*|status_socket = $SOCKET|" "$CONF/flushd.conf"
site_add site1 20001
site_add site2 20002
site_add site3 20003
head -c 65536 /dev/zero >"$JAILS/site3/$SPOOL_IN_JAIL/data.mdb"
chmod 755 "$SCRATCH"

metrics() {
	"$BIN/flushctl" metrics --config "$CONF" "$@"
}

# value NAME{LABELS}, in Prometheus' own order; nothing if there is no such sample.
value() {
	metrics | tests/rig/exposition | P=$1 perl -ne 'print $1, "\n" if /^\Q$ENV{P}\E (.*)/'
}

value_is() {
	[ "$(value "$1" 2>/dev/null)" = "$2" ]
}

refused_by_checker() {
	printf '%b' "$1" >"$SCRATCH/wrong"
	! tests/rig/exposition <"$SCRATCH/wrong" >/dev/null 2>&1
}
ok "the checker takes what is right" eval 'printf "# HELP a_total x\n# TYPE a_total counter\na_total{b=\"\\\\\\\\\"} 1\n" | tests/rig/exposition >/dev/null'
ok "not a sample without its family" refused_by_checker 'a 1\n'
ok "not a counter without its name" refused_by_checker '# HELP a x\n# TYPE a counter\na 1\n'
ok "not one twice" refused_by_checker '# HELP a x\n# TYPE a gauge\na 1\na 2\n'
ok "not a label that is not closed" refused_by_checker '# HELP a x\n# TYPE a gauge\na{b="} 1\n'

ok "without a flushd that is said" value_is 'mini_sendmail_up{}' 0
status=0
metrics >"$SCRATCH/said" || status=$?
is "and no failure" "$status" 0
service_start
ok "it is up" wait_until 10 value_is 'mini_sendmail_up{}' 1
ok "the format is right" eval 'metrics | tests/rig/exposition >"$SCRATCH/samples"'
for n in 1 2 3; do
	site_submit site1 20001 "m$n@site1.test"
done
ok "what came is counted" wait_until 15 value_is 'mini_sendmail_messages_submitted_total{site="site1"}' 3
ok "what left" wait_until 15 value_is 'mini_sendmail_messages_completed_total{site="site1"}' 3
ok "what was delivered" value_is 'mini_sendmail_recipients_delivered_total{site="site1"}' 3
is "nothing was refused" "$(value 'mini_sendmail_submissions_refused_total{site="site1"}')" 0
ok "each with a commit" value_is 'mini_sendmail_commit_duration_seconds_count{site="site1"}' 3
ok "which took time" eval '[[ "$(value "mini_sendmail_commit_duration_seconds_sum{site=\"site1\"}")" =~ [1-9] ]]'
ok "of the other site nothing" value_is 'mini_sendmail_messages_submitted_total{site="site2"}' 0
ok "a spool that is damaged is in error" wait_until 10 value_is 'mini_sendmail_site_in_error{site="site3"}' 1
is "its depth is not known" "$(value 'mini_sendmail_messages{site="site3",state="new"}')" ""
ok "the relay is up" value_is "mini_sendmail_relay_up{relay=\"127.0.0.1:$POSTFIX_PORT\"}" 1
ok "the version is flushd's" value_is "mini_sendmail_build_info{version=\"$(cat VERSION)\"}" 1
ok "it was started a while ago" eval '[ "$(($(date +%s) - $(value "mini_sendmail_start_time_seconds{}")))" -lt 600 ]'
as_uid 20001 "$BIN/flushctl" metrics --socket "$SOCKET" >"$SCRATCH/own"
ok "a site's user has his own" eval 'tests/rig/exposition <"$SCRATCH/own" >"$SCRATCH/samples" && grep -q site1 "$SCRATCH/samples"'
ok "and no other's" eval '! grep -q site2 "$SCRATCH/own"'
status=0
as_uid 30000 "$BIN/flushctl" metrics --socket "$SOCKET" >"$SCRATCH/said" 2>/dev/null || status=$?
is "a stranger has none" "$status $(wc -c <"$SCRATCH/said")" "3 0"

# --- what is refused ----------------------------------------------------------------------------------

# refuse NAME UID COUNT: so many submissions.
refuse() {
	local n
	for ((n = 0; n < $3; n++)); do
		site_submit "$1" "$2" "not an address" 2>/dev/null || true
	done
}
refuse site1 20001 5
refuse site2 20002 1
ok "what is refused is counted, though nothing else happens" wait_until 30 \
	value_is 'mini_sendmail_submissions_refused_total{site="site1"}' 5
ok "site by site" wait_until 30 value_is 'mini_sendmail_submissions_refused_total{site="site2"}' 1
rm "$JAILS/site2/$SPOOL_IN_JAIL/refused.log"
refuse site2 20002 2
ok "a site that empties its log goes on" wait_until 30 value_is 'mini_sendmail_submissions_refused_total{site="site2"}' 3
rm "$JAILS/site2/$SPOOL_IN_JAIL/refused.log"
ln -s /etc/passwd "$JAILS/site2/$SPOOL_IN_JAIL/refused.log"
site_submit site2 20002 n@site2.test
ok "whatever it puts in its place" wait_until 15 value_is 'mini_sendmail_messages_completed_total{site="site2"}' 1
is "is not counted" "$(value 'mini_sendmail_submissions_refused_total{site="site2"}')" 3
rm "$JAILS/site2/$SPOOL_IN_JAIL/refused.log"
truncate -s 1T "$JAILS/site2/$SPOOL_IN_JAIL/refused.log"
seq 100 >>"$JAILS/site2/$SPOOL_IN_JAIL/refused.log"
chown 20002 "$JAILS/site2/$SPOOL_IN_JAIL/refused.log"
ok "what it makes up is its own" wait_until 30 value_is 'mini_sendmail_submissions_refused_total{site="site2"}' 103
is "and only that" "$(value 'mini_sendmail_submissions_refused_total{site="site1"}')" 5

# --- an outage ----------------------------------------------------------------------------------------

kill "$MOODY_PID"
wait_until 10 has_ended "$MOODY_PID"
site_submit site1 20001 later@site1.test
ok "an outage is seen" wait_until 20 value_is 'mini_sendmail_relay_breaker_open{}' 1
ok "what waits is counted" wait_until 20 value_is 'mini_sendmail_messages{site="site1",state="new"}' 1
ok "it has bytes" eval '[ "$(value "mini_sendmail_spool_bytes{site=\"site1\"}")" -gt 0 ]'
ok "and an age" wait_until 10 eval '[ "$(value "mini_sendmail_oldest_message_age_seconds{site=\"site1\"}")" -gt 0 ]'

# --- a file -------------------------------------------------------------------------------------------

umask 077
metrics --output "$SCRATCH/site.prom"
is "a file is made for all to read" "$(stat -c %a "$SCRATCH/site.prom")" 644
ok "with the same in it" eval 'tests/rig/exposition <"$SCRATCH/site.prom" >"$SCRATCH/samples" &&
	grep -qx "mini_sendmail_up{} 1" "$SCRATCH/samples"'
exec 9<"$SCRATCH/site.prom"
metrics --output "$SCRATCH/site.prom"
ok "who reads the old one still has all of it" eval 'tests/rig/exposition <&9 >/dev/null'
ok "nothing else is left there" eval '[ "$(ls "$SCRATCH" | grep -c "^site\.prom")" -eq 1 ]'
mkdir "$SCRATCH/taken.prom"
touch "$SCRATCH/taken.prom/file"
status=0
metrics --output "$SCRATCH/taken.prom" 2>"$SCRATCH/said" || status=$?
is "what cannot be written is said" "$status $(cat "$SCRATCH/said")" "3 flushctl: $SCRATCH/taken.prom: Is a directory"
is "and leaves nothing" "$(find "$SCRATCH" -maxdepth 1 -name 'taken.prom*' | wc -l)" 1

# --- alarms -------------------------------------------------------------------------------------------

used=$(grep -o 'mini_sendmail_[a-z_]*' docs/examples/alarms.yml | sort -u)
ok "there are rules for alarms" [ "$(wc -l <<<"$used")" -ge 4 ]
for name in $used; do
	ok "what they go by is told: $name" grep -q "^${name}[ {]" "$SCRATCH/site.prom"
done

# --- another flushd -----------------------------------------------------------------------------------

flushd_stop
ok "without a flushd the file says so" eval 'metrics --output "$SCRATCH/site.prom" && grep -qx "mini_sendmail_up 0" "$SCRATCH/site.prom"'
service_start
ok "the next one" wait_until 10 value_is 'mini_sendmail_up{}' 1
ok "begins to count anew" value_is 'mini_sendmail_messages_completed_total{site="site1"}' 0
is "what was refused, too" "$(value 'mini_sendmail_submissions_refused_total{site="site1"}')" 0
ok "what waits, is still there" wait_until 10 value_is 'mini_sendmail_messages{site="site1",state="new"}' 1
ok "and did not come again" value_is 'mini_sendmail_messages_submitted_total{site="site1"}' 0

# --- a backlog ----------------------------------------------------------------------------------------

submit_some() {
	local n
	for n in {1..40}; do
		site_submit site1 20001 "more$n@site1.test"
	done
}
submit_some
ok "a backlog is counted as it comes" wait_until 30 value_is 'mini_sendmail_messages_submitted_total{site="site1"}' 40
rm "$SCRATCH/ready"
tests/rig/moody_smtpd "$POSTFIX_PORT" "$SCRATCH" &
MOODY_PID=$!
at_exit "end_child $MOODY_PID || true"
submit_some
ok "and while it goes" wait_until 60 value_is 'mini_sendmail_messages_completed_total{site="site1"}' 81
ok "no message is counted twice, or not at all" wait_until 20 value_is 'mini_sendmail_messages_submitted_total{site="site1"}' 80
ok "nothing is left" value_is 'mini_sendmail_messages{site="site1",state="new"}' 0
at_most "there are no more commits than messages" "$(value 'mini_sendmail_commit_duration_seconds_count{site="site1"}')" 81
done_testing

#!/bin/bash
#
# flushctl check: the exit status and the line that Nagios wants, for what an operator should be woken for.
#
# shellcheck disable=SC2016,SC2119 # the variables are perl's, or eval's

# shellcheck source=tests/e2e/sites.sh
. "$(dirname "$0")/sites.sh"
sites_open
moody_start well
SOCKET=$SCRATCH/run/status
conf_write
sed -i "s|^status_socket.*|status_socket = $SOCKET|" "$CONF/flushd.conf"
site_add site1 20001
site_add site2 20002

check() {
	"$BIN/flushctl" check --socket "$SOCKET" "$@"
}

# A verdict's status and line, without what is behind the "|", where ages and ports are as they happen to be.
verdict() {
	local status=0 line
	line=$(check "$@" 2>/dev/null) || status=$?
	echo "$status ${line%% |*}" | sed -E 's/[0-9]+s\b/Ns/g; s/127\.0\.0\.1:[0-9]+/RELAY/g'
}

verdict_is() {
	local want=$1
	shift
	[ "$(verdict "$@")" = "$want" ]
}

is "a flushd that does not run is critical" "$(verdict)" "2 MAIL CRITICAL: flushd does not run: nobody listens at $SOCKET"
service_start
ok "all is well" wait_until 10 verdict_is "0 MAIL OK: relay is up, 0 waiting in 2 sites"
is "at one site, too" "$(verdict --site site1)" "0 MAIL OK: relay is up, 0 waiting in 1 site"
is "one that is none is unknown" "$(verdict --site nowhere)" "3 MAIL UNKNOWN: flushd has no site 'nowhere'"
is "so is a wrong command line" "$(verdict --warn much)" "3 MAIL UNKNOWN: the command line is wrong"
is "and another" "$(verdict --loud)" "3 MAIL UNKNOWN: the command line is wrong"
status=0
"$BIN/flushctl" check --config "$SCRATCH/nowhere" >"$SCRATCH/said" 2>/dev/null || status=$?
is "and a configuration that is not there" "$status $(cat "$SCRATCH/said")" \
	"3 MAIL UNKNOWN: the configuration is not there"
is "where it is, it tells where to ask" "$("$BIN/flushctl" check --config "$CONF" | cut -d '|' -f 1)" \
	"MAIL OK: relay is up, 0 waiting in 2 sites "
is "it prints one line" "$(check | wc -l)" 1
ok "with what a program reads" eval 'check | grep -qE "\| waiting=0;1000;10000;0 oldest=0s;900;7200;0 held=0;0;;0 "'
ok "with other limits" eval 'check --warn 5 --warn 10s --crit 7 --crit 1h --held 3 --failed 4 |
	grep -qE "\| waiting=0;5;7;0 oldest=0s;10;3600;0 held=0;3;;0 failed=0;4;;0 "'
is "a site's user may ask" "$(as_uid 20001 "$BIN/flushctl" check --socket "$SOCKET" | cut -d '|' -f 1)" \
	"MAIL OK: relay is up, 0 waiting in 1 site "
status=0
as_uid 30000 "$BIN/flushctl" check --socket "$SOCKET" >"$SCRATCH/said" || status=$?
is "of what a stranger asks nothing is known" "$status $(cut -c 1-25 "$SCRATCH/said")" "3 MAIL UNKNOWN: not allowed"

# --- what a site does ---------------------------------------------------------------------------------

head -c 65536 /dev/zero >"$JAILS/site2/$SPOOL_IN_JAIL/data.mdb"
ok "a damaged spool is a warning" wait_until 20 verdict_is \
	"1 MAIL WARNING: 1 site in error (site2: reading the queue: the spool is damaged)"
ok "for who asks for that site it is critical" verdict_is \
	"2 MAIL CRITICAL: 1 site in error (site2: reading the queue: the spool is damaged)" --site site2
is "for another it is none" "$(verdict --site site1)" "0 MAIL OK: relay is up, 0 waiting in 1 site"

# --- an outage ----------------------------------------------------------------------------------------

kill "$MOODY_PID"
wait_until 10 has_ended "$MOODY_PID"
for n in 1 2 3; do
	site_submit site1 20001 "m$n@site1.test"
done
ok "an outage is a warning at first" wait_until 30 verdict_is \
	"1 MAIL WARNING: relay is down for Ns (Connection refused)" --site site1

# After a minute it is critical, so that what else is said must not depend on when that is.
says() {
	local words=$1
	shift
	[[ $(verdict --site site1 "$@") == *"$words"* ]]
}
ok "many that wait are said to" wait_until 30 says ", 3 waiting" --warn 2
ok "if they are too many" eval '! says waiting --warn 3'
ok "they are critical if they are far too many" says "2 MAIL CRITICAL: relay is down for" --crit 2
ok "an old one is said to be" wait_until 20 says ", the oldest is Ns old (site1)" --warn 1s
ok "if it is too old" eval '! says oldest --warn 1h'
ok "it is critical if it is far too old" says "2 MAIL CRITICAL: relay is down for" --crit 1s
if [ -n "${E2E_LONG:-}" ]; then
	ok "after a minute it is critical" wait_until 80 says "2 MAIL CRITICAL: relay is down for"
fi

# --- a flushd that is stuck ---------------------------------------------------------------------------

kill -STOP "$FLUSHD_PID"
begin=$(now_us)
is "a flushd that is stuck is critical" "$(verdict)" "2 MAIL CRITICAL: flushd does not answer at $SOCKET"
at_most "which is known after 11 s, ms" $((($(now_us) - begin) / 1000)) 11000
kill -CONT "$FLUSHD_PID"
ok "it goes on" wait_until 10 says "relay is down for"
done_testing

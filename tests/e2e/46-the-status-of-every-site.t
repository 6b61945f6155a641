#!/bin/bash
#
# What flushd says of its sites at its socket: during an outage and after it; to root, to the user of a site and to a
# stranger; and whatever clients do, it goes on.
#
# shellcheck disable=SC2016,SC2119 # the variables are perl's

# shellcheck source=tests/e2e/sites.sh
. "$(dirname "$0")/sites.sh"
sites_open
install -m 755 tests/rig/pester "$BIN"
moody_start well
SOCKET=$SCRATCH/run/status
conf_write
sed -i "s|^status_socket.*|status_socket = $SOCKET|" "$CONF/flushd.conf"
site_add site1 20001
site_add site2 20002

status() {
	"$BIN/flushctl" status --socket "$SOCKET" "$@"
}

# The relay at its port again.
moody_again() {
	rm "$SCRATCH/ready"
	tests/rig/moody_smtpd "$POSTFIX_PORT" "$SCRATCH" &
	MOODY_PID=$!
	at_exit "end_child $MOODY_PID || true"
	wait_until 10 test -e "$SCRATCH/ready"
}

# In its place one that says what $SCRATCH/rude holds.
rude_start() {
	rm -f "$SCRATCH/rude.ready"
	tests/rig/rude_smtpd "$POSTFIX_PORT" "$SCRATCH/rude" &
	RUDE_PID=$!
	at_exit "end_child $RUDE_PID || true"
	wait_until 10 test -e "$SCRATCH/rude.ready"
}

# field FILTER [CMD...]: a JSON value, as a parser that is not ours reads it. FILTER picks out of $o, a line's object.
field() {
	perl -MJSON::PP -ne '
		BEGIN { $code = shift @ARGV; $json = JSON::PP->new->utf8 }
		my $o = $json->decode($_);
		my $value = eval $code;
		print $value, "\n" if defined $value;
	' "$1"
}

# site NAME EXPRESSION
site() {
	status --json | field "\$o->{site} && \$o->{site} eq '$1' ? $2 : undef"
}

relay() {
	status --json | field "\$o->{relay} ? $1 : undef"
}

site_is() {
	[ "$(site "$1" "$2" 2>/dev/null)" = "$3" ]
}

relay_is() {
	[ "$(relay "$1" 2>/dev/null)" = "$2" ]
}

# exit_of CMD...: its exit status; what it says is in $SCRATCH/said.
exit_of() {
	local status=0
	"$@" >"$SCRATCH/said" 2>&1 || status=$?
	echo "$status"
}

is "without a flushd there is an exit status" "$(exit_of status)" 3
ok "and a word" grep -q "flushd does not run" "$SCRATCH/said"

# --- in order -----------------------------------------------------------------------------------------

export NOTIFY_SOCKET=$SCRATCH/notify
tests/rig/notified "$NOTIFY_SOCKET" >"$SCRATCH/notified" &
NOTIFIED_PID=$!
at_exit "end_child $NOTIFIED_PID || true"
wait_until 10 test -S "$NOTIFY_SOCKET"
service_start
unset NOTIFY_SOCKET
ok "it answers" wait_until 10 relay_is '$o->{state}' up
is "the directory is made for all to enter" "$(stat -c '%a %u' "$SCRATCH/run")" "755 0"
is "the socket is there for all" "$(stat -c %a "$SOCKET")" 666
site_submit site1 20001 one@site1.test
ok "what was sent is counted" wait_until 10 site_is site1 '$o->{total}{sent}' 1
is "nothing is left" "$(site site1 '"$o->{new} $o->{deferred} $o->{held} $o->{failed}"')" "0 0 0 0"
is "and at what rate" "$(site site1 '$o->{per_minute}{sent}')" 1
ok "then there is nothing to do" wait_until 10 site_is site1 '$o->{state}' idle
is "who it is of" "$(site site1 '"$o->{root} $o->{user} $o->{uid}"')" "$JAILS/site1 20001 20001"
is "the other site has sent nothing" "$(site site2 '$o->{total}{sent}')" 0

# --- to whom ------------------------------------------------------------------------------------------

is "root sees all sites, and the relay" "$(status --json | wc -l)" 3
as_uid 20001 "$BIN/flushctl" status --socket "$SOCKET" --json >"$SCRATCH/own"
is "a site's user sees his own" "$(field '"$o->{site} $o->{total}{sent}"' <"$SCRATCH/own")" "site1 1"
ok "as a table too" eval 'as_uid 20001 "$BIN/flushctl" status --socket "$SOCKET" | grep -qx "Relay is up"'
is "a stranger sees none" "$(exit_of as_uid 30000 "$BIN/flushctl" status --socket "$SOCKET")" 3
ok "and is told so" grep -q "not allowed" "$SCRATCH/said"
ok "of no site" eval '! grep -q site1 "$SCRATCH/said"'

# --- an outage ----------------------------------------------------------------------------------------

kill "$MOODY_PID"
wait_until 10 has_ended "$MOODY_PID"
site_submit site1 20001 two@site1.test
ok "the relay is down" wait_until 20 relay_is '$o->{state}' down
is "the reason is said" "$(relay '$o->{reason}')" "Connection refused"
ok "it is asked again soon" eval '[ "$(relay "\$o->{next_probe} - time")" -le 2 ]'
for n in 1 2 3; do
	site_submit site1 20001 "more$n@site1.test"
done
site_submit site2 20002 one@site2.test
begin=$(now_us)
ok "what comes meanwhile is counted" wait_until 30 site_is site1 '$o->{new}' 4
ok "at every site" wait_until 30 site_is site2 '$o->{new}' 1
at_most "within 12 s, ms" $((($(now_us) - begin) / 1000)) 12000
is "all of it" "$(relay '$o->{waiting}')" 5
ok "the oldest has an age" eval '[ "$(site site1 "\$o->{oldest_age}")" -lt 60 ]'
ok "the table says it all" eval 'status | grep -qE "^  site1 +4 +0 +0 +0 +[0-9]+s +[0-9]+ idle"'
ok "with a line for the relay" eval 'status | grep -qE "^Relay 127.* is down for .*: Connection refused"'
ok "and no colours where there is no terminal" eval '! status | grep -q $'"'\033'"
ok "on a terminal there are" eval 'TERM=xterm script -qec "$BIN/flushctl status --socket $SOCKET" /dev/null | grep -q $'"'\033\[31mdown'"
ok "the service manager knows too" wait_until 15 grep -qE "^STATUS=2 sites, 5 waiting, relay .* is down: Connection refused" "$SCRATCH/notified"

# --- clients that are in the way ----------------------------------------------------------------------

"$BIN/pester" "$SOCKET" silent 20 &
SILENT_PID=$!
at_exit "end_child $SILENT_PID || true"
ok "clients that say nothing keep nobody from the answer" relay_is '$o->{waiting}' 5
as_uid 20001 "$BIN/pester" "$SOCKET" silent 100 &
CROWD_PID=$!
at_exit "end_child $CROWD_PID || true"
ok "nor do a hundred of a site's user" relay_is '$o->{waiting}' 5
"$BIN/pester" "$SOCKET" ask 200 >"$SCRATCH/answers"
is "200 at once are all answered" "$(sort "$SCRATCH/answers" | uniq -c | sed 's/^ *//')" "200 3"
ok "the silent ones are hung up on" wait_until 20 has_ended "$SILENT_PID"
ok "the crowd too" wait_until 20 has_ended "$CROWD_PID"
is "a request that is none is refused" "$("$BIN/pester" "$SOCKET" say 'stop' | field '$o->{error}')" "there is no such request"
is "so is one without an end" "$("$BIN/pester" "$SOCKET" say "$(printf '%0100d' 0)" | field '$o->{error}')" "there is no such request"

# --- a rude relay ------------------------------------------------------------------------------------

printf '554 "no" \\ {}\t\033[31m\377\303\251 at all\r\n' >"$SCRATCH/rude"
rude_start
ok "what it says is valid JSON" wait_until 30 relay_is '$o->{reason}' "it takes connections, but no mail"
kill "$RUDE_PID"
wait_until 10 has_ended "$RUDE_PID"
moody_again
ok "the relay is up again" wait_until 40 relay_is '$o->{state}' up
ok "all is sent" wait_until 40 site_is site1 '$o->{total}{sent}' 5
ok "and nothing waits" wait_until 10 relay_is '$o->{waiting}' 0
ok "the service manager knows that too" wait_until 15 grep -qE "^STATUS=2 sites, 0 waiting, relay .* is up$" "$SCRATCH/notified"
kill "$MOODY_PID"
wait_until 10 has_ended "$MOODY_PID"
rude_start
site_submit site2 20002 rude@site2.test
ok "what a relay says of a site's mail is shown" wait_until 20 eval 'site site2 "\$o->{last_error}" 2>/dev/null | grep -q "554.*no.*at all"'
ok "without what moves a cursor" eval '! status | grep -q $'"'\033'"
ok "in the JSON either" eval '! status --json | LC_ALL=C grep -q "[^ -~]"'

# --- a damaged spool ----------------------------------------------------------------------------------

site_add site3 20003
head -c 65536 /dev/zero >"$JAILS/site3/$SPOOL_IN_JAIL/data.mdb"
kill -HUP "$FLUSHD_PID"
ok "why a site is not served is said" wait_until 20 site_is site3 '$o->{last_error}' "reading the queue: the spool is damaged"
ok "and that it is delayed" wait_until 20 site_is site3 '$o->{state}' delayed
ok "what was never counted is not known" site_is site3 '$o->{counted} // "null"' null
ok "how often workers failed is known" eval '[ "$(site site3 "\$o->{crashes}")" -ge 1 ]'
rm "$CONF/sites.d/site3.conf"
kill -HUP "$FLUSHD_PID"
ok "a site that is let go is there no more" wait_until 20 relay_is '$o->{sites}' 2

# --- who dies -----------------------------------------------------------------------------------------

disown "$FLUSHD_PID" # the shell would remark on its end
kill -KILL "$FLUSHD_PID"
wait_until 10 has_ended "$FLUSHD_PID"
ok "a killed flushd leaves its socket" test -S "$SOCKET"
is "at which nobody answers" "$(exit_of status)" 3
ok "and that is said" grep -q "flushd does not run" "$SCRATCH/said"
service_start
ok "the next one takes its place" wait_until 10 relay_is '$o->{sites}' 2
other=$SCRATCH/other.log
"$BIN/flushd" --config "$CONF" >"$other" 2>&1 &
OTHER_PID=$!
at_exit "has_ended $OTHER_PID || end_child $OTHER_PID || true"
ok "another at the same time does not" wait_until 10 grep -q "another flushd answers there" "$other"
status=0
wait "$OTHER_PID" || status=$?
is "it leaves" "$status $(tail -n 1 "$other")" "2 flushd: leaves: another flushd serves these sites"
ok "and takes nothing away with it" relay_is '$o->{sites}' 2
sed -i "s|^status_socket.*|status_socket = $SCRATCH/elsewhere|" "$CONF/flushd.conf"
kill -HUP "$FLUSHD_PID"
SOCKET=$SCRATCH/elsewhere
ok "a new path is taken up after SIGHUP" wait_until 10 relay_is '$o->{sites}' 2
ok "it ends in order" flushd_stop
ok "and takes its socket with it" eval '! test -e "$SOCKET" && ! test -e "$SCRATCH/run/status"'
done_testing

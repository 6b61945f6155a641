#!/bin/bash
#
# flushctl status and watch: those in trouble first, one site, a flushd that is stopped, restarted or away; on a
# terminal that is left as it was however that ends, whatever its size, and where there is none.
#
# shellcheck disable=SC2016,SC2119 # the variables are perl's, or eval's

# shellcheck source=tests/e2e/sites.sh
. "$(dirname "$0")/sites.sh"
sites_open
moody_start well
SOCKET=$SCRATCH/run/status
conf_write
sed -i "s|^status_socket.*|status_socket = $SOCKET|" "$CONF/flushd.conf"
LONG=a-site-with-quite-a-long-name.customers.example
site_add shop 20001
site_add "$LONG" 20002
site_add zoo 20003
head -c 65536 /dev/zero >"$JAILS/zoo/$SPOOL_IN_JAIL/data.mdb"
export TERM=xterm
unset NO_COLOR

flushctl() {
	"$BIN/flushctl" "$1" --socket "$SOCKET" "${@:2}"
}

# field EXPRESSION: of the site shop, whose object is $o.
field() {
	flushctl status --json --site shop | perl -MJSON::PP -e '
		my $code = shift @ARGV;
		my $o = decode_json(scalar <STDIN>);
		print eval $code, "\n";
	' "$1"
}

field_is() {
	[ "$(field "$1" 2>/dev/null)" = "$2" ]
}

# terminal LINESxCOLUMNS STEP... -- ARG...: of flushctl watch; what it prints is in $SCRATCH/terminal.
terminal() {
	local steps=() size=$1
	shift
	while [ "$1" != -- ]; do
		steps+=("$1")
		shift
	done
	shift
	tests/rig/terminal "$size" "${steps[@]}" -- "$BIN/flushctl" watch --socket "$SOCKET" "$@" >"$SCRATCH/terminal" 2>&1
}

ends_as() {
	tail -n 2 "$SCRATCH/terminal" | paste -sd ' '
}

status=0
flushctl watch >"$SCRATCH/said" 2>&1 || status=$?
is "without a flushd there is nothing to watch" "$status $(cat "$SCRATCH/said")" \
	"3 flushctl: flushd does not run: nobody listens at $SOCKET"

# --- status -------------------------------------------------------------------------------------------

service_start
ok "it serves" wait_until 10 field_is '$o->{state}' idle
site_submit shop 20001 one@shop.test
ok "what came is counted" wait_until 15 field_is '$o->{total}{arrived}' 1
ok "what left, too" field_is '"$o->{total}{left} $o->{per_minute}{left}"' "1 1"
ok "with its commit, which took a while" eval '[ "$(field "\$o->{commits}{count} == 1 && \$o->{commits}{usec} > 0")" = 1 ]'
wait_until 20 eval 'flushctl status | grep -q "^! zoo "'
is "the site in trouble is the first" "$(flushctl status | sed -n '/^  SITE/,$p' | sed -n 2p | cut -c 1-6)" "! zoo "
is "and says why below" "$(flushctl status | sed -n '/^! zoo/{n;p}' | cut -d : -f 2-)" " reading the queue: the spool is damaged"
is "one site can be shown" "$(flushctl status --site shop | sed -n '/^  SITE/,$p' | wc -l)" 2
is "in front of the verb too" "$("$BIN/flushctl" --site shop status --socket "$SOCKET" | sed -n '/^  SITE/,$p' | wc -l)" 2
is "as JSON too, with the relay" "$(flushctl status --site shop --json | cut -d : -f 1 | paste -sd ' ')" '{"site" {"relay"'
ok "which python reads" eval 'flushctl status --json | python3 -c "import json, sys; [json.loads(line) for line in sys.stdin]"'
is "the socket is found in the configuration" \
	"$("$BIN/flushctl" --config "$CONF" status --site shop --json | cut -d : -f 1 | paste -sd ' ')" '{"site" {"relay"'
mkdir -p "$SCRATCH/wrong/sites.d"
{ echo "quota = much" && cat "$CONF/flushd.conf"; } >"$SCRATCH/wrong/flushd.conf"
echo nonsense >"$SCRATCH/wrong/sites.d/a.conf"
status=0
"$BIN/flushctl" status --config "$SCRATCH/wrong" --site shop --json >"$SCRATCH/answer" 2>"$SCRATCH/said" || status=$?
is "also in one with a mistake" "$status $(cut -d : -f 1 "$SCRATCH/answer" | paste -sd ' ')" '0 {"site" {"relay"'
is "which is said, and where it asks" "$(grep -o ':1: quota' "$SCRATCH/said"); $(tail -n 1 "$SCRATCH/said")" \
	":1: quota; flushctl: asking at $SOCKET"
status=0
"$BIN/flushctl" status --config "$SCRATCH/nowhere" >"$SCRATCH/said" 2>&1 || status=$?
is "a configuration must be there" "$status $(cat "$SCRATCH/said")" "3 flushctl: $SCRATCH/nowhere: No such file or directory"
status=0
flushctl status --site nowhere >"$SCRATCH/said" 2>&1 || status=$?
is "a site that is none is not found" "$status $(cat "$SCRATCH/said")" "1 flushctl: flushd has no site 'nowhere'"
for size in 24x80 24x60 5x20; do
	tests/rig/terminal "$size" -- "$BIN/flushctl" status --socket "$SOCKET" >"$SCRATCH/terminal" 2>&1 || true
	is "status fits into $size" "$(ends_as)" "exit 0 left as it was"
done
NO_COLOR=1 script -qec "'$BIN/flushctl' status --socket '$SOCKET'" /dev/null >"$SCRATCH/plain"
ok "with NO_COLOR there are none" eval '! grep -q $'"'\033'"' "$SCRATCH/plain"'
TERM=dumb script -qec "'$BIN/flushctl' status --socket '$SOCKET'" /dev/null >"$SCRATCH/plain"
ok "nor on a dumb terminal" eval '! grep -q $'"'\033'"' "$SCRATCH/plain"'

# --- on a terminal ------------------------------------------------------------------------------------

ok "q ends it" terminal 24x80 'wait:^! zoo ' print key:q --
is "and the terminal is as it was" "$(ends_as)" "exit 0 left as it was"
ok "at 80 columns there is all of it" grep -qE "^  shop +[0-9]+ +0 +0 +- +[0-9]+ +[0-9]+ +- idle$" "$SCRATCH/terminal"
ok "a long name is cut" grep -qE '^  a-site-with-.*\.\. +[0-9]' "$SCRATCH/terminal"
for name in INT TERM HUP QUIT; do
	terminal 24x80 'wait:^! zoo ' "signal:$name" -- || true
	is "SIG$name ends it as it ends others" "$(ends_as)" "signal $(kill -l "$name") left as it was"
done
terminal 24x80 'wait:^! zoo ' $'key:\003' -- || true
is "so does ^C" "$(ends_as)" "signal 2 left as it was"
# As a shell does it, which waits for a line before it goes on.
cat >"$SCRATCH/shell" <<-END
	set -m
	"$BIN/flushctl" watch --socket "$SOCKET"
	echo stopped
	read -r
	fg >/dev/null
END
status=0
tests/rig/terminal 24x80 'wait:^! zoo ' $'key:\032' 'wait:^stopped' print $'key:\n' 'wait:^! zoo ' key:q -- \
	bash --norc "$SCRATCH/shell" >"$SCRATCH/terminal" 2>&1 || status=$?
is "it may be stopped for a while" "$status $(ends_as)" "0 exit 0 left as it was"
ok "in which the screen is the shell's" eval '! grep -q zoo "$SCRATCH/terminal"'
ok "where there is no shell it is not" terminal 24x80 'wait:^! zoo ' $'key:\032' still:1 'wait:^! zoo ' key:q --
is "and the terminal is as it was" "$(ends_as)" "exit 0 left as it was"
ok "a small terminal shows the worst" terminal 10x80 'wait:^! zoo' 'wait:^  ... and 2 more' key:q --
ok "one that shrinks as well" terminal 24x80 'wait:^  shop' size:10x50 'wait:^  ... and 2 more' key:q --
is "without a line that is too long" "$(ends_as)" "exit 0 left as it was"
ok "and one that grows" terminal 10x50 'wait:and 2 more' size:24x132 "wait:$LONG" key:q --
ok "the least is no harm" terminal 1x1 still:1 size:2x2 still:1 key:q --
is "nor does it end otherwise" "$(ends_as)" "exit 0 left as it was"
ok "one site can be watched" terminal 24x80 'wait:^  shop' print key:q -- --site shop
ok "it alone" eval '! grep -q zoo "$SCRATCH/terminal"'
status=0
"$BIN/flushctl" watch --socket "$SOCKET" --interval 0 >"$SCRATCH/said" 2>&1 || status=$?
is "there are no looks without a pause" "$status" 2

# --- an outage, and the backlog's end -----------------------------------------------------------------

kill "$MOODY_PID"
wait_until 10 has_ended "$MOODY_PID"
cat >"$SCRATCH/outage" <<-END
	for n in 1 2 3 4 5; do
		printf 'Subject: x\n\n\n' | MINI_SENDMAIL_SPOOL=$JAILS/shop/$SPOOL_IN_JAIL \
			setpriv --reuid 20001 --regid 20001 --clear-groups -- \
			"$BIN/mini_sendmail" -i -f more@shop.test reader@example.org
	done
END
ok "an outage is seen" terminal 24x80 'wait:^! zoo ' "run:. $SCRATCH/outage" 'wait:Relay .* is down for' \
	'wait:^  shop +5 .* growing ' 'wait:/min out: growing' key:q --
rm "$SCRATCH/ready"
tests/rig/moody_smtpd "$POSTFIX_PORT" "$SCRATCH" &
MOODY_PID=$!
at_exit "end_child $MOODY_PID || true"
ok "so is its end" terminal 24x80 'wait:Relay .* is up for' 'wait:^  shop +0 ' key:q --

# --- a flushd that comes and goes ---------------------------------------------------------------------

cat >"$SCRATCH/restart" <<-END
	"$BIN/flushd" --config "$CONF" >>"$SCRATCH/flushd.log" 2>&1 &
	echo "\$!" >"$SCRATCH/flushd.pid"
END
ok "a flushd that ends and begins anew is waited for" terminal 24x80 'wait:^! zoo ' "run:kill $FLUSHD_PID" \
	'wait:: flushd does not run' 'wait:^! zoo ' "run:. $SCRATCH/restart" 'wait:flushd was restarted, [0-9]+s ago' \
	'wait:^! zoo ' print key:q --
is "and the terminal is well" "$(ends_as)" "exit 0 left as it was"
wait "$FLUSHD_PID" || true
read -r FLUSHD_PID <"$SCRATCH/flushd.pid"
# It is not this shell's child.
at_exit "kill $FLUSHD_PID 2>/dev/null || true"
ok "one that is stopped is seen to be" terminal 24x80 'wait:^! zoo ' "run:kill -STOP $FLUSHD_PID" \
	'wait:: flushd does not answer' "run:kill -CONT $FLUSHD_PID" 'wait:flushd is back' key:q --

# --- without a terminal -------------------------------------------------------------------------------

"$BIN/flushctl" watch --socket "$SOCKET" --interval 1 >"$SCRATCH/snapshots" &
WATCH_PID=$!
at_exit "end_child $WATCH_PID || true"
has_snapshots() {
	[ "$(grep -c "^Relay .* is up for" "$SCRATCH/snapshots")" -ge 3 ]
}
ok "what is no terminal gets one after the other" wait_until 20 has_snapshots
ok "without what moves a cursor" eval '! LC_ALL=C grep -q "[^ -~]" "$SCRATCH/snapshots"'
ok "the names whole" grep -q "^  $LONG " "$SCRATCH/snapshots"
ok "it ends with who reads it" eval 'timeout 20 "$BIN/flushctl" watch --socket "$SOCKET" --interval 1 | head -n 3 >"$SCRATCH/head"; [ "$(wc -l <"$SCRATCH/head")" -eq 3 ]'
done_testing

#!/bin/bash
#
# flushctl list: on a terminal no line is longer than it is wide, and nothing is left out; in a pipe each thing is one
# line, as mailq(1) has it and programs expect. What a real postfix said of a message is said once.
#
# shellcheck disable=SC2016 # the variables are awk's

# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
needs_root "starts a postfix"
test_open
postfix_create
spool_create "$SCRATCH/spool"
long=$(printf 'x%.0s' {1..60})

mail() {
	local sender=$1
	shift
	printf 'Subject: x\n\nx\n' | "$BIN/mini_sendmail" -i -f "$sender" -- "$@"
}
mail sender@site.test later@example.org
mail sender@site.test someone.with.quite.a.long.name@elsewhere.example
mail somebody.else.with.a.long.name@customers.site.test someone@elsewhere.example later@example.org
mail sender@site.test refused@example.org "$long@elsewhere.example"
mail '' "$long@$long.example.org" $'caf\xc3\xa9@example.org'
postfix_start
flushd_once || true
mail new@site.test reader@example.org
flushctl list >"$SCRATCH/piped"
is "all of it waits" "$(tail -n 1 "$SCRATCH/piped" | sed 's/[0-9]* Kbytes/N Kbytes/')" "-- N Kbytes in 6 Requests."

# --- in a pipe ----------------------------------------------------------------------------------------

# As it stands in the manual page postsuper(1).
delete_list() {
	tail -n +2 "$SCRATCH/piped" | grep -v '^ *(' | awk 'BEGIN { RS = "" } { if ($8 == "reader@example.org" && $9 == "") print $1 }' |
		tr -d '*!'
}
is "what postsuper(1) does with mailq works" "$(delete_list)" "$(flushctl list --json --sender new@site.test |
	sed -E 's/.*"queue_id": "([^"]*)".*/\1/')"
ok "a reason is one line" grep -qE '^ *\(554 5\.7\.1 <someone\.with.*: Relay access denied\)$' "$SCRATCH/piped"
is "and said once" "$(grep -c 'someone.with.quite.a.long.name@.*denied' "$SCRATCH/piped")" 1
ok "the state is a line of its own" grep -qE '^ *\(held, 1 attempt\)$' "$SCRATCH/piped"
flushctl hold --sender new@site.test >"$SCRATCH/said"
flushctl list >"$SCRATCH/held"
ok "a reason that is not the relay's is in it" grep -qE '^ *\(held: by the operator\)$' "$SCRATCH/held"
flushctl release --sender new@site.test >"$SCRATCH/said"

# --- on a terminal ------------------------------------------------------------------------------------

# Of the heading there may be less.
words() {
	tail -n +2 "$1" | tr -d ' \n'
}
held=$(flushctl list --json --recipient @elsewhere.example | head -n 1 | sed -E 's/.*"queue_id": "([^"]*)".*/\1/')
for width in 80 61 132; do
	tests/rig/terminal "100x$width" 'wait:^-- .* Requests' print -- "$BIN/flushctl" --spool "$SPOOL" list |
		sed '/^exit 0$/,$d' >"$SCRATCH/shown"
	ok "$width columns: there is all of it" grep -q '^-- .* in 6 Requests' "$SCRATCH/shown"
	script -qec "stty cols $width; '$BIN/flushctl' --spool '$SPOOL' list" /dev/null </dev/null | tr -d '\r' >"$SCRATCH/typed"
	is "$width columns: what is longer is an address" "$(awk -v w="$width" 'length > w' "$SCRATCH/typed" |
		grep -vE '^ [^ ]+@[^ ]+$' || true)" ""
	is "$width columns: nothing is left out" "$(words "$SCRATCH/typed")" "$(words "$SCRATCH/piped")"
	script -qec "stty cols $width; '$BIN/flushctl' --spool '$SPOOL' show $held" /dev/null </dev/null | tr -d '\r' >"$SCRATCH/typed"
	flushctl show "$held" >"$SCRATCH/whole"
	is "$width columns: nor is a message shown in longer ones" "$(awk -v w="$width" 'length > w && !/^recipient:/' "$SCRATCH/typed")" ""
	is "$width columns: or in part" "$(words "$SCRATCH/typed")" "$(words "$SCRATCH/whole")"
done
done_testing

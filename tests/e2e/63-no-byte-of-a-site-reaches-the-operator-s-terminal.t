#!/bin/bash
#
# A hostile site fills every field that flushctl shows with what would move a cursor, end a line or break JSON. On a
# terminal and off it, flushctl prints printable ASCII in lines; JSON is JSON; --raw is raw in a pipe only.

# shellcheck source=tests/e2e/sites.sh
. "$(dirname "$0")/sites.sh"
sites_open
moody_start "450 at RCPT 1"
conf_write
site_add shop 20001
site_add blog 20002
SPOOL=$JAILS/shop/$SPOOL_IN_JAIL
out=$SCRATCH/out
evil=$'\e[2J\e]0;owned\a\b\r'
broken=$'\x9b31m\xff\xc3('

ctl() {
	code=0
	"$BIN/flushctl" --config "$CONF" "$@" >"$out" 2>"$SCRATCH/err" </dev/null || code=$?
}

# at_terminal ARGUMENT...: the same, with a terminal for everything; the line ends of terminals are CR LF.
at_terminal() {
	script -qec "'$BIN/flushctl' --config '$CONF' $*" /dev/null </dev/null | sed 's/\r$//' >"$out"
}

is_printable() {
	! LC_ALL=C grep -q '[^ -~]' "$@"
}

is_json() {
	perl -MJSON::PP -ne 'decode_json($_)->{queue_id} or die "no id\n"' "$1"
}

# --- every field --------------------------------------------------------------------------------------

# Control bytes stand where mini_sendmail lets them: in the directory, the arguments, the script and the text.
place=$SCRATCH/jails/shop/$evil$broken
mkdir "$place"
chmod 755 "$place"
{
	printf 'Subject: %s %s\nX-PHP-Originating-Script: 0:%s%s.php\n' "$evil" "$broken" "$evil" "$broken"
	printf 'X-Long: '
	head -c 90000 /dev/zero | tr '\0' x
	printf '\n\n%s\n%s\n' "$evil" "$broken"
} >"$SCRATCH/evil.eml"
status=0
(cd "$place" && MINI_SENDMAIL_SPOOL=$SPOOL as_uid 20001 "$BIN/mini_sendmail" -i -F "$evil$broken" \
	-f $'s\xe9nd\x9b31m@shop.test' $'caf\xc3\xa9\x9b2J@example.org' '"\ "@example.org' <"$SCRATCH/evil.eml") || status=$?
is "the hostile message is taken" "$status" 0
id=$(queue_field queue_id)

for how in ctl at_terminal; do
	for words in "list" "list --site shop" "list --json" "show shop/$id" "hold --site shop --all" \
		"list --state held" "release --site shop --all"; do
		# shellcheck disable=SC2086 # a verb and its options
		$how $words
		ok "$how $words: printable lines" is_printable "$out"
		ok "$how $words: there are some" [ -s "$out" ]
	done
done
ctl list --json
ok "list --json is JSON" is_json "$out"
is "with every field" "$(perl -MJSON::PP -ne '
	my $o = decode_json($_);
	print join " ", map { $o->{$_} =~ /\x{fffd}/ ? "$_" : "no $_" } qw(sender cwd argv)' "$out")" "sender cwd argv"
ctl show "shop/$id"
ok "show has the directory, escaped" grep -qF 'directory:    '"$JAILS"'/shop/\x1b[2J\x1b]0;owned\x07' "$out"
ok "the sender" grep -qxF 'sender:       s\xe9nd\x9b31m@shop.test' "$out"
ok "and the recipient" grep -qF 'recipient:    caf\xc3\xa9\x9b2J@example.org' "$out"

# --- raw ----------------------------------------------------------------------------------------------

ctl show --raw "shop/$id"
ok "--raw in a pipe: its body as it came" cmp -s <(tail -n 2 "$out") <(tail -n 2 "$SCRATCH/evil.eml" | sed 's/\r$//')
at_terminal show --raw "shop/$id"
ok "--raw at a terminal: printable lines" is_printable "$out"
ok "with what it is, escaped" grep -qF 'Subject: \x1b[2J\x1b]0;owned\x07\x08' "$out"

# What filters look for is no less hostile, and reaches messages only.
ctl list --sender $'s\xe9nd\x9b31m@shop.test'
is "it is found by its sender" "$code $(grep -c 'Request\.' "$out")" "0 1"
ctl hold --site shop --state "$evil"
is "a hostile argument is a mistake" "$code" 2
ok "in printable lines" is_printable "$SCRATCH/err"
ctl hold --site "$evil" --all
is "a hostile site is one that there is not" "$code" 1
ok "in printable lines, too" is_printable "$SCRATCH/err"

# --- what the relay says ------------------------------------------------------------------------------

echo 20000000 >"$SCRATCH/size"
site_submit shop 20001 plain@shop.test
service_start
is_deferred() {
	queue_field state | grep -qx deferred
}
ok "a relay has refused one" wait_until 15 is_deferred
ctl list --json --state deferred
ctl show "shop/$(sed 's/.*"queue_id": "\([^"]*\)".*/\1/' "$out")"
ok "show has its words" grep -q '450 4.2.0 later' "$out"
ok "and nothing else" is_printable "$out"

# --- a header of 10 MB --------------------------------------------------------------------------------

{
	for _ in {1..110}; do
		printf 'X-Long: '
		head -c 95000 /dev/zero | tr '\0' y
		echo
	done
	printf 'Subject: end\n\nx\n'
} >"$SCRATCH/large.eml"
MINI_SENDMAIL_SPOOL=$JAILS/blog/$SPOOL_IN_JAIL as_uid 20002 "$BIN/mini_sendmail" -i -f large@blog.test a@b.test \
	<"$SCRATCH/large.eml"
large=$(SPOOL=$JAILS/blog/$SPOOL_IN_JAIL queue_field queue_id)
ctl show "blog/$large"
is "a header of 10 MB is shown as a line of its size" "$code $(wc -c <"$out" | awk '{ print ($1 < 2000) }')" "0 1"
ctl show --raw "blog/$large"
is "and printed whole" "$(grep -c "^X-Long: y*$" "$out")" 110
# Whoever stops reading ends it, without a word.
is "a reader that leaves is no error to talk of" \
	"$({ "$BIN/flushctl" --config "$CONF" show --raw "blog/$large" | head -c 10 || true; } 2>&1)" "$(head -c 10 "$out")"

code=0
(
	trap '' PIPE
	"$BIN/flushctl" --config "$CONF" show --raw "blog/$large" 2>"$SCRATCH/err" | head -c 10 >/dev/null
) || code=$?
is "unless the signal is ignored, and then in one line" "$code $(cat "$SCRATCH/err")" \
	"3 flushctl: standard output: Broken pipe"

# --- a process that its spool has taken over ------------------------------------------------------------

# Garbage in the place of pages; whatever LMDB makes of it, there is one clear line, and other sites are shown.
SPOOL=$JAILS/blog/$SPOOL_IN_JAIL
flushd_stop
# Behind the two pages that say where the rest is.
dd if=/dev/urandom of="$SPOOL/data.mdb" bs=4096 seek=2 count=64 conv=notrunc status=none
ctl list
is "a damaged spool fails" "$code" 3
ok "and is named" grep -q '^flushctl: blog: ' "$SCRATCH/err"
ok "in printable lines" is_printable "$SCRATCH/err" "$out"
ok "the other site is shown" grep -q "^shop/$id" "$out"
done_testing

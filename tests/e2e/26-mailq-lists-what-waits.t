#!/bin/bash
#
# mailq in the jail: the site's user sees what waits in his own spool, as flushctl shows it outside. No
# sender waits for whoever reads the list, and no byte of a stranger's mail reaches the terminal as it came.

# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/rig/trace.sh
. tests/rig/trace.sh
needs_root "acts as several users, calls chroot, starts a postfix"
[ "${MODE:-release}" = release ] || skip_all "not for MODE=$MODE: the sanitizers' programs need a /proc"
test_open
copy_programs
postfix_create
uid=12345
out=$SCRATCH/stdout
err=$SCRATCH/stderr

# The jail has the program by two names, and nothing else.
jail=$SCRATCH/jail
mkdir -p "$jail/var/spool"
chmod -R 755 "$jail"
install -m 755 "$BIN/mini_sendmail" "$jail/sendmail"
ln "$jail/sendmail" "$jail/mailq"
ln -s mini_sendmail "$BIN/mailq"
spool_create "$jail/var/spool/mini-sendmail" --user "$uid"

in_jail() {
	env -i "$(command -v chroot)" --userspec="$uid:$uid" --groups= "$jail" "$@"
}

# run CMD...: sets status; stdout and stderr are in files.
run() {
	status=0
	"$@" >"$out" 2>"$err" || status=$?
}

is_printable() {
	! LC_ALL=C grep -q '[^ -~]' "$@"
}

# lists CLAIM CMD...: CMD prints what flushctl does, and nothing else.
lists() {
	local claim=$1
	shift
	run "$@"
	is "$claim: exit 0, in silence" "$status $(cat "$err")" "0 "
	ok "$claim: the very bytes of flushctl list" cmp "$out" <(TZ=UTC0 flushctl list)
}

# refuses CODE WORDS CMD...: exit code CODE, one line with WORDS on stderr.
refuses() {
	local code=$1 words=$2
	shift 2
	run "$@"
	is "${*##*/}: exit $code" "$status" "$code"
	is "${*##*/}: one line" "$(wc -l <"$err")" 1
	ok "${*##*/}: says '$words'" grep -qF -- "$words" "$err"
}

# --- what waits ---------------------------------------------------------------------------------------

lists "an empty spool" in_jail /mailq
is "an empty spool says so" "$(cat "$out")" "Mail queue is empty"
lists "an empty spool, by -bp" in_jail /sendmail -bp

mail() {
	local sender=$1
	shift
	printf 'Subject: x\n\nx\n' | in_jail /sendmail -i -f "$sender" -- "$@"
}
mail sender@site.test refused@example.org reader@example.org
mail sender@site.test later@example.org
mail sender@site.test someone@elsewhere.example
mail '' reader@example.org
mail $'caf\xe9\x9b31m@example.org' $'\xc3\xa9\x9b2J@example.org' '"a \\ b"@example.org'
lists "new mail" in_jail /mailq
is "new mail: five entries" "$(tail -n 1 "$out")" "-- 0 Kbytes in 5 Requests."
ok "in printable ASCII" is_printable "$out"
ok "a sender's bytes as \\xNN" grep -qF ' caf\xe9\x9b31m@example.org' "$out"
ok "and the recipients'" grep -qF ' \xc3\xa9\x9b2J@example.org' "$out"
ok "the null sender as postfix shows it" grep -qE '  MAILER-DAEMON$' "$out"

postfix_start
flushd_once || true
lists "deferred, failed and held mail" in_jail /mailq
ok "with what postfix said" grep -qE '^ *\(.*450 4\.2\.0 .*come back later.*\)$' "$out"
ok "and the state" grep -qE '^ *\(deferred, 1 attempt, next ' "$out"
is "failed and held mail has its mark" "$(grep -cE '^[0-9A-Z]+! ' "$out")" 3
lists "by root, outside" "$BIN/mailq"
lists "by root, with -bp" "$BIN/mini_sendmail" -bp
is "root leaves nothing of his own" "$(find "$SPOOL" ! -user "$uid")" ""
lists "-v says no more" in_jail /mailq -v

# --- beside senders -----------------------------------------------------------------------------------

# More than a pipe takes, and who reads it stops after a line.
many=()
for n in {1..400}; do
	many+=("recipient-$n-of-the-message@example.org")
done
for n in {1..8}; do
	mail "sender-$n@site.test" "${many[@]}"
done
mkfifo "$SCRATCH/list"
in_jail /mailq >"$SCRATCH/list" 2>"$err" &
mailq=$!
exec 3<"$SCRATCH/list"
read -r line <&3
is "a list begins with a heading" "${line%% *}" "-Queue"
taken=0
for n in {1..10}; do
	mail late@site.test reader@example.org && taken=$((taken + 1))
done
is "no sender waits for who reads it" "$taken" 10
ok "which has not read it yet" kill -0 "$mailq"
cat <&3 >"$out"
exec 3<&-
status=0
wait "$mailq" || status=$?
is "it is read to its end: exit 0" "$status" 0
ok "with all there was" grep -q ' sender-8@site.test$' "$out"

status=0
in_jail /mailq 2>"$err" | head -n 1 >"$out" || status=${PIPESTATUS[0]}
is "mailq | head ends by SIGPIPE" "$status" 141
is "without a word" "$(cat "$err")" ""

# list_often: lists as long as there are senders; says what was wrong with any of the lists.
list_often() {
	local list
	until [ -e "$SCRATCH/sent" ]; do
		list=$(in_jail /mailq 2>&1) || echo "exit $?"
		[ "$(grep -cE '^[0-9A-Z]{9,}!? ' <<<"$list")" = "$(sed -n 's/^-- .* in \([0-9]*\) Requests\.$/\1/p' <<<"$list")" ] ||
			echo "not a whole list: $(tail -n 1 <<<"$list")"
	done
}
list_often >"$SCRATCH/wrong" &
lister=$!
before=$(queue_field queue_id | wc -l)
export -f mail in_jail
export jail uid
seq 160 | xargs -P 4 -I '{}' bash -c 'mail sender-{}@site.test reader@example.org' || true
touch "$SCRATCH/sent"
wait "$lister"
is "lists are whole while senders go on" "$(cat "$SCRATCH/wrong")" ""
is "and all of them have sent" "$(($(queue_field queue_id | wc -l) - before))" 160
lists "of many pages" in_jail /mailq

# --- what it does not do ------------------------------------------------------------------------------

mkfifo "$SCRATCH/silent"
exec 4<>"$SCRATCH/silent"
run in_jail /mailq <&4
is "nothing is read from standard input" "$status" 0
run env MINI_SENDMAIL_SPOOL="$SCRATCH/nowhere" "$BIN/mailq" <&4
is "nor where there is no list" "$status" 72
# The rest of a list of hosts, for one, in a loop that reads it.
for words in newaliases -bi -I -q -q30m; do
	# shellcheck disable=SC2016 # the inner shell's
	run timeout 10 bash -c 'exec -a "$1" "$0" "${@:2}"' "$BIN/mini_sendmail" \
		"${words/#-*/sendmail}" ${words/#[!-]*/-I} <&4
	is "$words reads nothing either" "$status" 0
done
exec 4<&-
settings 4=1
lists "a site that is blocked" in_jail /mailq
settings 4=0
before=$(ls -l "$SPOOL/data.mdb")
export MINI_SENDMAIL_SPOOL=$SPOOL
traced setpriv --reuid "$uid" --regid "$uid" --clear-groups -- \
	env TZ=":$SCRATCH/zone" TZDIR="$SCRATCH" "$BIN/mini_sendmail" -bp >"$out"
is "nothing but the spool is opened, whatever TZ says" "$(misdeeds)" ""
is "the spool is as it was" "$(ls -l "$SPOOL/data.mdb")" "$before"

# --- what is wrong ------------------------------------------------------------------------------------

refuses 72 "there is no spool here" env MINI_SENDMAIL_SPOOL="$SCRATCH/nowhere" "$BIN/mailq"
refuses 77 "permission denied" as_uid 23456 "$BIN/mailq"
status=0
in_jail /mailq >&- 2>"$err" || status=$?
is "standard output is closed: exit 70" "$status $(wc -l <"$err")" "70 1"
status=0
in_jail /mailq >/dev/full 2>"$err" || status=$?
is "standard output is full: exit 70" "$status $(wc -l <"$err")" "70 1"
ok "a list that fails is no refused message" [ ! -e "$SPOOL/refused.log" ]
refuses 64 "take no message" in_jail /mailq -t </dev/null
refuses 64 "take no message" in_jail /sendmail -bp reader@example.org </dev/null
is "a message for mailq is on record as refused" "$(grep -c ' exit=64 ' "$SPOOL/refused.log")" 2

cp "$SPOOL/data.mdb" "$SCRATCH/good.mdb"

# An address that cannot be one, and that a terminal would act upon.
mail damage-me@site.test reader@example.org
mail last@site.test reader@example.org
perl -0777 -pi -e 's/damag(?=e-me\@site)/\e[2J\n/g' "$SPOOL/data.mdb"
run in_jail /mailq
is "a damaged message: exit 78" "$status" 78
is "says how many" "$(cat "$err")" "mini_sendmail: 1 damaged message"
is "it has a mark and a line" "$(grep -cE '^[0-9A-Z]{9,}! +0 .* -$|\(damaged: its records cannot be read\)$' "$out")" 2
ok "in printable ASCII" is_printable "$out"
ok "the others are listed" grep -q ' last@site.test$' "$out"
ok "the very bytes of flushctl list" cmp "$out" <(TZ=UTC0 flushctl list 2>/dev/null || true)

# Any damage: it ends by itself, and says so in one line, or the list is whole.
wrong=0
noticed=0
for n in {1..120}; do
	cat "$SCRATCH/good.mdb" >"$SPOOL/data.mdb"
	how=$(tests/rig/damage "$SPOOL/data.mdb" "$n")
	run timeout 100 "$BIN/mailq"
	noticed=$((noticed + (status == 78)))
	! { is_printable "$out" "$err" && [ "$status $(wc -l <"$err")" = "78 1" ]; } || continue
	! { [ "$status" -eq 0 ] && [ ! -s "$err" ] && tail -n 1 "$out" | grep -qE '^(-- .* Requests?\.|Mail queue is empty)$'; } || continue
	wrong=$((wrong + 1))
	diag "damage $n ($how): exit $status, $(head -c 200 "$err")"
done
is "120 random damages: never a signal, silence or anything not printable" "$wrong" 0
ok "some of them are noticed, some are not" [ "$noticed" -gt 0 -a "$noticed" -lt 120 ]

# LMDB reads beyond the end of this file.
truncate -s 8192 "$SPOOL/data.mdb"
refuses 78 "the spool is damaged" in_jail /mailq
printf 'no spool' >"$SPOOL/data.mdb"
refuses 78 "damaged or of another format" in_jail /mailq
is "none of that is on record as refused mail" "$(grep -c '' "$SPOOL/refused.log")" 2
done_testing

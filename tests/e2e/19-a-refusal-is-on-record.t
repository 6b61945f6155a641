#!/bin/bash
#
# refused.log: one line for each submission that was refused, whatever for; none for the others. Nothing
# that a site writes forges a line, and nothing it puts in the place of the log changes what is refused.

# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
needs_root "acts as several users"
test_open
copy_programs
uid=12345
spool_create "$SCRATCH/spool" --user "$uid" --quota 20K
log=$SPOOL/refused.log

lines() {
	if [ -e "$log" ]; then wc -l <"$log"; else echo 0; fi
}

# As the site's user; standard error is for another test.
site() {
	as_uid "$uid" "$BIN/mini_sendmail" "$@" 2>"$SCRATCH/stderr"
}

# recorded CLAIM CODE SIZE TO REASON CMD...: CMD ends so, and the line says so; SIZE, TO and REASON are
# extended regular expressions. Standard input goes to CMD.
recorded() {
	local claim=$1 code=$2 size=$3 to=$4 reason=$5 before status=0
	local time='20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z'
	shift 5
	before=$(lines)
	"$@" || status=$?
	is "$claim: exit $code" "$status" "$code"
	is "$claim: one line" "$(($(lines) - before))" 1
	ok "$claim: to=\"$to\" reason=\"$reason\"" \
		grep -qxE "$time uid=$uid exit=$code size=$size to=\"$to\" reason=\"$reason\"" \
		<<<"$(tail -n 1 "$log")"
}

# unrecorded CLAIM CODE CMD...
unrecorded() {
	local claim=$1 code=$2 before status=0
	shift 2
	before=$(lines)
	"$@" || status=$?
	is "$claim: exit $code" "$status" "$code"
	is "$claim: no line" "$(($(lines) - before))" 0
}

# --- each kind of refusal -----------------------------------------------------------------------------

is "before the first there is no log" "$(lines)" 0
recorded "a bad option" 64 5 '' "unknown option '-Z'" site -Z a@b <<<"text"
is "it is its user's alone" "$(stat -c '%u %a' "$log")" "$uid 600"
recorded "no recipients" 64 5 '' 'no recipients; .*' site <<<"text"
recorded "none in the header" 64 13 '' 'no recipients in To, Cc or Bcc' site -t <<<"Subject: abc"
recorded "a malformed address" 65 5 'a@b' "malformed address 'c.x01@d'" site a@b $'c\001@d' <<<"text"
recorded "a NUL byte" 65 9 'a@b' 'the message contains a NUL byte' site a@b < <(printf 'te\0xt\n123')
recorded "a long field" 65 102415 'a@b' 'header field .*Subject.* is longer than 102400 bytes' \
	site a@b < <(printf 'Subject: %0102400d\n\nbody\n' 0 | sed 's/body/bod/')
recorded "too many recipients" 69 '[0-9]+' 'u0@x' 'more than 10000 recipients' \
	site -t < <(printf 'To: u0@x' && seq -f ', u%g@x' -s '' 1 10001 && printf '\n\n')
recorded "the quota" 73 30000 'a@b' '.*: the spool is full: 0 messages of 0 bytes wait, .*' \
	site a@b < <(printf '%030000d' 0)
recorded "standard input that cannot be read" 70 0 'a@b' 'cannot read standard input: .*' site a@b </
# As little address space as the program can be started in, and so many kB more.
tight() {
	local more=$1
	shift
	as_uid "$uid" prlimit --as=$(((least + more) * 1024)) "$BIN/mini_sendmail" "$@" 2>"$SCRATCH/stderr"
}
# The sanitizers' program takes terabytes of it.
if [ "${MODE:-release}" = release ]; then
	for ((least = 1000; least < 20000; least += 100)); do
		prlimit --as=$((least * 1024)) "$BIN/mini_sendmail" --version && break
	done >"$SCRATCH/stderr" 2>&1
	printf '%0900000d' 0 >"$SCRATCH/long"
	recorded "no memory for the message" 71 '[1-9][0-9]{5}' 'a@b' 'out of memory' \
		tight 600 a@b <"$SCRATCH/long"
	recorded "no memory for the spool" 71 5 'a@b' "$SPOOL: out of memory" tight 2000 a@b <<<"text"
fi

# crash: damage of the spool ends a sender by a signal, here while it waits for the lock.
crash() {
	local pid status=0 lock
	exec {lock}<"$SPOOL"
	flock "$lock"
	setpriv --reuid "$uid" --regid "$uid" --clear-groups -- "$BIN/mini_sendmail" "$@" \
		2>"$SCRATCH/stderr" <<<"text" &
	pid=$!
	wait_until 10 grep -qE -- "-> FLOCK +ADVISORY +WRITE $pid " /proc/locks
	kill -SEGV "$pid"
	wait "$pid" || status=$?
	exec {lock}<&-
	return "$status"
}
recorded "a damaged spool" 78 5 'a@b' '.*: the spool is damaged' crash a@b
if [ -n "${E2E_LONG:-}" ]; then
	exec {busy}<"$SPOOL"
	flock "$busy"
	begin=$(now_us)
	recorded "a spool that is busy" 73 5 'a@b' '.*: the spool was busy for 30 seconds' site a@b <<<"text"
	at_most "which is not waited for any longer" $((($(now_us) - begin) / 1000000)) 31
	exec {busy}<&-
fi
mv "$SPOOL/data.mdb" "$SCRATCH/data.mdb"
recorded "a spool without its file" 72 5 'a@b' '.*: there is no spool here' site a@b <<<"text"
mv "$SCRATCH/data.mdb" "$SPOOL/data.mdb"

# --- what is none -------------------------------------------------------------------------------------

unrecorded "a message that is taken" 0 site a@b <<<"text"
unrecorded "nothing to do" 0 site -bi <<<""
mkfifo "$SCRATCH/endless"
killed() {
	local pid status=0
	"$BIN/mini_sendmail" a@b <>"$SCRATCH/endless" &
	pid=$!
	wait_until 10 grep -q mini_sendmail "/proc/$pid/comm"
	kill -TERM "$pid"
	wait "$pid" || status=$?
	return "$status"
}
unrecorded "one that a signal ends" 143 killed
chmod 755 "$SPOOL"
unrecorded "one by a stranger" 64 as_uid 23456 "$BIN/mini_sendmail" -Z 2>"$SCRATCH/stderr" <<<"text"
chmod 777 "$SPOOL"
unrecorded "one into a spool that all may write to" 64 site -Z <<<"text"
chmod 700 "$SPOOL"

# --- hostile words, many at once, many in all ---------------------------------------------------------

forged=$'x\n2026-11-22T12:00:00Z uid=0 exit=0 size=0 to="root@localhost" reason="\e[2J\r\x9b1A"'
recorded "a forged line" 64 5 '' '.*x0a2026.*' site "-Z$forged" <<<"text"
recorded "a long one" 64 5 '' '.*' site "-Z$(printf '\n%.0s' {1..100000})" <<<"text"
at_most "lines are at most 1024 bytes long" "$(wc -L <"$log")" 1023

many_at_once() {
	local i pids=()
	for i in {1..20}; do
		site "-Z$i" a@b <<<"text" &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		wait "$i" || true
	done
}
before=$(lines)
many_at_once
is "20 at once: 20 lines" "$(($(lines) - before))" 20
is "20 at once: each has its own" "$(tail -n 20 "$log" | grep -oE -- '-Z[0-9]+' | sort -u | wc -l)" 20
is "all lines are printable ASCII, of one form" "$(LC_ALL=C grep -cvxE \
	'[-0-9T:]+Z uid=[0-9]+ exit=[0-9]+ size=[0-9]+ to="[ !#-~]*" reason="[ !#-~]*"' "$log" || true)" 0

fill_log() {
	rm "$log"
	{ yes "what was refused long ago" || true; } | head -c 131100 >"$log"
	chown "$uid" "$log"
}
fill_log
many_at_once
is "a full log becomes the old one" "$(head -n 1 "$log.1")" "what was refused long ago"
is "20 at once meanwhile: no line is lost" "$(cat "$log.1" "$log" | grep -c 'exit=64')" 20
at_most "and the log is small again" "$(stat -c %s "$log")" 20000

# One that has seen the full log is late, and finds that another has changed it: it must not again.
fill_log
as_uid "$uid" strace -qq -o /dev/null -e trace=flock -e inject=flock:delay_enter=700000 \
	"$BIN/mini_sendmail" -Zlate 2>"$SCRATCH/stderr" <<<"text" &
log_is_open() {
	[ -n "$(find /proc/[0-9]*/fd -lname "$log" 2>/dev/null)" ]
}
wait_until 10 log_is_open
site -Zsooner <<<"text" || true
wait "$!" || true
is "one that is late changes nothing again" "$(head -n 1 "$log.1")" "what was refused long ago"
is "and no line is lost" "$(grep -oE 'sooner|late' "$log" | tr '\n' ' ')" "sooner late "

# --- what is in its place -----------------------------------------------------------------------------

# in_the_way CLAIM CMD...: with what CMD makes in its place.
in_the_way() {
	local claim=$1 status=0
	shift
	rm -rf "$log" "$log.1"
	"$@"
	timeout 10 setpriv --reuid "$uid" --regid "$uid" --clear-groups -- "$BIN/mini_sendmail" -Z \
		2>"$SCRATCH/stderr" <<<"text" || status=$?
	is "$claim in its place changes nothing" "$status $(wc -l <"$SCRATCH/stderr")" "64 1"
	is "$claim in its place: what it leads to is left alone" "$(cat "$SCRATCH/target")" "a file"
}
echo "a file" >"$SCRATCH/target"
chown "$uid" "$SCRATCH/target"
in_the_way "a directory" mkdir "$log"
in_the_way "a fifo" mkfifo -m 666 "$log"
in_the_way "a symbolic link" ln -s "$SCRATCH/target" "$log"
in_the_way "a hard link" ln "$SCRATCH/target" "$log"
rm -rf "$log"

# Root, as the jail's cron, becomes the owner first.
status=0
"$BIN/mini_sendmail" -Z 2>"$SCRATCH/stderr" <<<"text" || status=$?
is "root is refused on record too" "$status $(stat -c %u "$log") $(grep -o 'uid=[0-9]*' "$log")" "64 $uid uid=0"
done_testing

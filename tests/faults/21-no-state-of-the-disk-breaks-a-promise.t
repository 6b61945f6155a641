#!/bin/bash
#
# strace records what senders, a worker and flushctl init write and flush. Between two flushes any subset of
# the pages written may have reached the disk, in part too; such disks are made and looked at: they hold
# every message that had been acknowledged by then, whole, and nothing that would be sent again.

# shellcheck source=tests/faults/faults.sh
. "$(dirname "$0")/faults.sh"
needs_root "traces a worker"
needs_plain_programs "models every call that writes"
needs_tools
test_open

SEED=${FAULTS_SEED:-$$}
note "FAULTS_SEED=$SEED"
export TOOLS STATES_SEED=$SEED SENDER=$BIN/mini_sendmail LETTERS=$SCRATCH/letters
mkdir "$LETTERS"
port_reserve POSTFIX_PORT
tests/faults/tools/relay "$POSTFIX_PORT" "$JOURNAL" &
at_exit "end_child $! || true"
wait_until 10 test -e "$JOURNAL.ready"

# --- workloads ----------------------------------------------------------------------------------------

# letter TOKEN...: to be submitted by give.
letter() {
	local token
	for token; do
		perl -Itests/faults/tools -MLetter -e 'print Letter::text(shift)' "$token" >"$LETTERS/$token"
	done
}

# give TOKEN: the relay puts off or refuses one of two recipients of letters so named.
give() {
	local to=(reader@example.org)
	case $1 in
	later-*) to+=(later@example.org) ;;
	refused-*) to+=(refused@example.org) ;;
	esac
	"$SENDER" -i -f "$1@site.test" "${to[@]}" <"$LETTERS/$1"
}

give_all() {
	local token
	for token; do
		give "$token"
	done
}

give_at_once() {
	printf '%s\n' "$@" | xargs -P 6 -I '{}' bash -c 'give {}'
}

# None begins to commit before all wait, so that they share commits.
give_together() {
	local token inodes n blocked staged
	inodes=$(stat -c %i "$MINI_SENDMAIL_SPOOL" "$MINI_SENDMAIL_SPOOL/incoming" | paste -s -d '|')
	exec 8<"$MINI_SENDMAIL_SPOOL"
	flock 8
	for token; do
		give "$token" 8<&- &
	done
	for ((n = 0; n < 400; n++)); do
		blocked=$(grep -cE -- "-> FLOCK .*:($inodes) " /proc/locks)
		staged=$(find "$MINI_SENDMAIL_SPOOL/incoming" -type f -size +0 | wc -l)
		[ $((blocked + staged)) -lt $# ] || break
		sleep 0.05
	done
	flock -u 8
	wait
}

# The worker commits, too, and its file is replaced.
deliver_and_give_together() {
	deliver &
	give_together "$@"
	wait
	deliver
}

# Exit status 1: something was put off.
deliver() {
	"$BIN/flushd" --spool "$MINI_SENDMAIL_SPOOL" --relay "127.0.0.1:$POSTFIX_PORT" --once 2>>"$SCRATCH/once.log" ||
		[ $? -eq 1 ]
}

deliver_and_give() {
	deliver &
	give_at_once "$@"
	wait
	deliver
}

# The file that was emptied is replaced in between.
give_and_deliver() {
	give "$1"
	deliver
	give_at_once "${@:2}"
	deliver
}

export -f give give_all give_at_once give_together deliver deliver_and_give_together deliver_and_give give_and_deliver
export POSTFIX_PORT SCRATCH BIN

# --- traces -------------------------------------------------------------------------------------------

# begin NAME [TOKEN...]: a spool with these letters in it, $ROOT/spool.
begin() {
	NAME=$1
	shift
	ROOT=$SCRATCH/$NAME
	mkdir "$ROOT"
	spool_create "$ROOT/spool"
	give_all "$@"
	cp -a "$ROOT" "$ROOT.base"
}

# record COMMAND...: as strace sees it.
record() {
	perl -Itests/faults/tools -MTrace -e 'exit Trace::record(@ARGV) >> 8' "$ROOT.trace" "$@"
}

# states COUNT [--lies]: sets tried, violations and acknowledged.
states() {
	local count=$1
	shift
	rm -rf "$ROOT.disk"
	mkdir "$ROOT.disk"
	read -r tried violations acknowledged < <(
		tests/faults/tools/crash_states "$@" "$ROOT.trace" "$ROOT" "$ROOT.base" "$count" "$ROOT.disk" 2>&3
	)
}

# tokens NAME LINES...
tokens() {
	local name=$1 n=0 lines
	shift
	for lines; do
		n=$((n + 1))
		echo "$name-$n.$lines"
	done
}

# --- experiments --------------------------------------------------------------------------------------

exec 3>&2
mapfile -t small < <(tokens a 1 60 3 300 20 130 7 64)
mapfile -t many < <(tokens b 2 60 3 300 20 130 7 64 1 40 900 5 9 33 70 2)
mapfile -t queued < <(
	tokens c 5 200 61 3
	tokens later 20 90
	tokens refused 40
	tokens d 400 1 8
)
mapfile -t large < <(tokens e 34000 20)
letter "${small[@]}" "${many[@]}" "${queued[@]}" "${large[@]}" f-1.34000

begin lone
record bash -c 'give_all "$@"' - "${small[@]}"
states "$(share 6000 1000)"
experiment "states of the disk: one sender" "$tried" "$violations"
is "each letter was acknowledged" "$acknowledged" "${#small[@]}"

begin many
record bash -c 'give_at_once "$@"' - "${many[@]}"
states "$(share 8000 1000)"
experiment "states of the disk: six senders" "$tried" "$violations"
is "each letter was acknowledged" "$acknowledged" "${#many[@]}"

begin together
record bash -c 'give_together "$@"' - "${many[@]}"
states "$(share 8000 1000)"
experiment "states of the disk: senders that share commits" "$tried" "$violations"
is "each letter was acknowledged" "$acknowledged" "${#many[@]}"
at_most "they did (3 commits or fewer)" "$(grep -c 'fdatasync(' "$ROOT.trace")" 3

begin together-worker "${queued[@]}"
record bash -c 'deliver_and_give_together "$@"' - "${many[@]}"
states "$(share 9000 1000)"
experiment "states of the disk: senders that share commits, and a worker" "$tried" "$violations"
is "each letter was acknowledged" "$acknowledged" "${#many[@]}"

begin worker "${queued[@]}"
record bash -c deliver
states "$(share 6000 700)"
experiment "states of the disk: a worker" "$tried" "$violations"
is "the worker has left what was put off or refused" "$(queue_field state | sort | uniq -c | xargs)" "2 deferred 1 failed"

begin both "${queued[@]}"
record bash -c 'deliver_and_give "$@"' - "${many[@]}"
states "$(share 9000 1000)"
experiment "states of the disk: six senders and a worker" "$tried" "$violations"
is "each letter was acknowledged" "$acknowledged" "${#many[@]}"

begin large "${large[@]}"
record bash -c 'give_and_deliver "$@"' - f-1.34000 "${small[@]}"
states "$(share 4000 300)"
experiment "states of the disk: messages of 2 MB" "$tried" "$violations"
ok "they have been delivered" queue_is_empty
ok "and the file has been replaced by a small one" grep -q RENAME_EXCHANGE "$ROOT.trace"

ROOT=$SCRATCH/made
mkdir "$ROOT" "$ROOT.base"
record "$BIN/flushctl" init "$ROOT/spool"
states "$(share 2000 200)"
experiment "states of the disk: a spool is made" "$tried" "$violations"

# What is found in controls is no news.
exec 3>&1
ROOT=$SCRATCH/many
states 200 --lies
experiment "states of the disk, control: a disk that lies to senders" "$tried" "$violations" some
ROOT=$SCRATCH/worker
states 200 --lies
experiment "states of the disk, control: a disk that lies to a worker" "$tried" "$violations" some
SENDER=$CONTROLS/nosync/mini_sendmail
begin nosync
record bash -c 'give_all "$@"' - "${small[@]}"
states 200
experiment "states of the disk, control: senders that do not flush" "$tried" "$violations" some
done_testing

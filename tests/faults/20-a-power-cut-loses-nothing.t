#!/bin/bash
#
# The power is cut at random moments while senders submit and flushd delivers, and while spools are made.
# Afterwards every message that was acknowledged is in the spool or at the relay, byte for byte, nothing
# was sent twice but what was on its way at the cut, and the spool works. The spool lives through a series of
# cuts, in which it grows to several MiB and is drained.

# shellcheck source=tests/rig/disk.sh
. "$(dirname "$0")/../rig/disk.sh"
disk_own_mounts "$@"
# shellcheck source=tests/faults/faults.sh
. "$(dirname "$0")/faults.sh"
needs_root "mounts a file system"
needs_tools
test_open
disk_create || skip_all "needs ext4 on a loop device"
disk_cut || skip_all "needs an ext4 whose power can be cut"

SEED=${FAULTS_SEED:-$$}
RANDOM=$SEED
note "FAULTS_SEED=$SEED"
port_reserve POSTFIX_PORT

# Descriptor 3 is where broken promises are told: news here, but not in a control.
exec 3>&2

SENDER=$BIN/mini_sendmail
FLUSHD=$BIN/flushd
FLUSHCTL=$BIN/flushctl

cuts=0
violations=0
enough=10
series_count=0
letters=0
arrivals=0
doubled=0
largest=0
shrunk=0
replacing=0
forgotten=0
spools=0

# between LOW HIGH: a number.
between() {
	echo $(($1 + RANDOM % ($2 - $1 + 1)))
}

sleep_ms() {
	sleep "$(printf '%d.%03d' $(($1 / 1000)) $(($1 % 1000)))"
}

# --- one cut ------------------------------------------------------------------------------------------

# send ROUND COUNT LIMIT KIND: see tests/faults/tools/senders. In the background, $! is theirs.
send() {
	LETTERS_SEED=$((SEED + RANDOM)) SENDER=$SENDER tests/faults/tools/senders "$JOURNAL" "$@" &
}

send_and_wait() {
	send "$@"
	wait "$!"
}

note_down() {
	perl -Itests/faults/tools -MLetter -e 'Letter::note(@ARGV)' "$JOURNAL" "$@"
}

# How many senders at once.
senders_of() {
	case $1 in
	crowd) between 8 32 ;;
	*) between 1 5 ;;
	esac
}

# Soon or later.
await_moment() {
	sleep_ms "$(between 10 "$((RANDOM % 2 ? 80 : 500))")"
}

# The worker is at the end of the queue, or about to give back the space.
await_end() {
	tests/faults/tools/moment "$JOURNAL" "$1" || true
	sleep_ms "$(between 0 40)"
}

# Whole process groups, at once or after they have seen that the disk is gone.
kill_groups() {
	local pid
	[ $((RANDOM % 2)) -eq 0 ] || sleep_ms "$(between 5 60)"
	for pid; do
		# It may not have come to having a group of its own.
		kill -KILL -- "-$pid" 2>/dev/null || kill -KILL "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
}

# cut_once NUMBER KIND LIMIT: leaves the disk mounted again. Each third time the queue is only drained, and the
# cut comes when it is empty.
cut_once() {
	local groups=() round=r$1 is_drain=
	[ $(($1 % 3)) -ne 0 ] || [ "$2" = fussy ] || is_drain=1
	if [ -n "$is_drain" ] || [ $((RANDOM % 4)) -ne 0 ]; then
		flushd_spawn setsid "$FLUSHD"
		groups+=("$FLUSHD_PID")
	fi
	if [ -n "$is_drain" ]; then
		await_end 5
	else
		send "$round" "$(senders_of "$2")" "$(between 1 "$3")" "$2"
		groups+=("$!")
		await_moment
	fi
	note_down cut "$round"
	disk_cut
	kill_groups "${groups[@]}"
	note_down dead "$round"
	disk_unmount
	disk_mount
}

listed_count() {
	local summary
	summary=$(queue_summary) || return
	summary=${summary% Request*}
	summary=${summary##* in }
	echo "${summary/Mail queue is empty/0}"
}

# How many promises are broken.
look() {
	local broken forgotten
	"$TOOLS/audit" <<<"read $SPOOL" >"$AUDIT"
	read -r broken forgotten < <(tests/faults/tools/judge "$JOURNAL" "$AUDIT" 2>&3)
	echo "$forgotten" >"$SCRATCH/forgotten"
	if [ "$(listed_count)" != "$(grep -c '^message ' "$AUDIT")" ]; then
		echo "# flushctl list does not list what is there" >&3
		broken=$((broken + 1))
	fi
	echo "$broken"
}

# next_works ROUND
next_works() {
	PATIENCE_MS=30000 send_and_wait "$1-next" 1 1 small
	grep -q " exit $1-next-.* 0$" "$JOURNAL" && return
	echo "# the next submission fails" >&3
	return 1
}

# --- series of cuts -----------------------------------------------------------------------------------

series_open() {
	local options=('' data=writeback nodelalloc)
	series_count=$((series_count + 1))
	JOURNAL=$SCRATCH/journal.$series_count
	AUDIT=$SCRATCH/audit.$series_count
	: >"$JOURNAL"
	disk_create 256M "${options[series_count % 3]}"
	spool_create "$DISK/spool"
	tests/faults/tools/relay "$POSTFIX_PORT" "$JOURNAL" &
	RELAY_PID=$!
	[ "$series_count" -gt 1 ] || at_exit relay_clean_up
	wait_until 10 test -e "$JOURNAL.ready"
}

relay_clean_up() {
	has_ended "$RELAY_PID" || end_child "$RELAY_PID" 5 || true
}

series_close() {
	local takes
	flushd_clean_up
	relay_clean_up
	disk_unmount
	takes=$(sed -n 's/.* take [^ ]* \([^ ]*\) .*/\1/p' "$JOURNAL")
	letters=$((letters + $(grep -c ' exit .* 0$' "$JOURNAL" || true)))
	arrivals=$((arrivals + $(grep -c . <<<"$takes" || true)))
	forgotten=$((forgotten + $(cat "$SCRATCH/forgotten")))
	doubled=$((doubled + $(sort <<<"$takes" | uniq -d | wc -l)))
}

nothing_is_new() {
	[ "$(flushctl list --json | grep -c '"state": "new"')" = 0 ]
}

# So small is a spool that was emptied.
is_small() {
	[ "$(stat -c %s "$SPOOL/data.mdb")" -le $((1 << 20)) ]
}

# What senders have left for others to commit is taken along, or removed.
nothing_is_staged() {
	[ -z "$(ls -A "$SPOOL/incoming")" ]
}

# drains KIND: all that can be delivered is, and what was lost shows.
drains() {
	flushd_spawn "$FLUSHD"
	if ! wait_until 60 nothing_is_new || { [ "$1" != fussy ] && ! wait_until 10 is_small; } ||
		! wait_until 10 nothing_is_staged || ! flushd_stop; then
		echo "# flushd does not drain the spool" >&3
		return 1
	fi
	[ "$(look)" -eq 0 ]
}

measure() {
	local size
	[ ! -e "$SPOOL/data.mdb.new" ] || replacing=$((replacing + 1))
	size=$(stat -c %s "$SPOOL/data.mdb")
	[ "$size" -le "$largest" ] || largest=$size
	[ "$size" -ge "${1:-0}" ] || shrunk=$((shrunk + 1))
	last_size=$size
}

# run_series CUTS KIND LIMIT: up to the first broken promise.
run_series() {
	local n broken last_size=0
	series_open
	[ "$2" != large ] || send_and_wait r0 1 2 huge
	measure
	for ((n = 1; n <= $1; n++)); do
		cut_once "$n" "$2" "$3"
		cuts=$((cuts + 1))
		measure "$last_size"
		broken=$(look)
		if [ "$broken" -gt 0 ] || ! next_works "r$n"; then
			break
		fi
	done
	if [ "$n" -le "$1" ] || ! drains "$2"; then
		violations=$((violations + 1))
		echo "# in series $series_count, of $2 letters, after cut $n; flushd said at last" >&3
		[ ! -e "$FLUSHD_LOG" ] || tail -n 12 "$FLUSHD_LOG" | sed "s/^/#   /" >&3
	fi
	series_close
}

# run CUTS KIND LIMIT: so many cuts, in series of up to 20.
run() {
	local left
	cuts=0
	violations=0
	while [ "$cuts" -lt "$1" ] && [ "$violations" -lt "$enough" ]; do
		left=$(($1 - cuts))
		run_series $((left < 20 ? left : 20)) "$2" "$3"
	done
}

# --- spools that are made -----------------------------------------------------------------------------

make_spools() {
	local n=1
	while "$FLUSHCTL" init "$DISK/spool-$n" 2>/dev/null; do
		echo "$n" >>"$SCRATCH/made"
		n=$((n + 1))
	done
}

# Tells of each spool that is not as it should be.
look_at_spools() {
	local n dir
	while read -r n; do
		[ -d "$DISK/spool-$n" ] || echo "spool-$n was made, and is not there"
	done <"$SCRATCH/made"
	for dir in "$DISK"/spool-*; do
		[ ! -e "$dir" ] || "$TOOLS/audit" <<<"write $dir" | sed -n "s/^problem/spool-${dir##*-}:/p"
	done
	n=$(($(wc -l <"$SCRATCH/made") + 1))
	[ -e "$DISK/spool-$n" ] || "$BIN/flushctl" init "$DISK/spool-$n" || echo "spool-$n cannot be made"
}

# run_creation CUTS
run_creation() {
	local pid found
	cuts=0
	violations=0
	while [ "$cuts" -lt "$1" ] && [ "$violations" -lt "$enough" ]; do
		: >"$SCRATCH/made"
		disk_create
		make_spools &
		pid=$!
		sleep_ms "$(between 20 120)"
		disk_cut
		wait "$pid"
		disk_unmount
		disk_mount
		found=$(look_at_spools)
		cuts=$((cuts + 1))
		spools=$((spools + $(wc -l <"$SCRATCH/made")))
		[ -n "$found" ] || continue
		violations=$((violations + 1))
		echo "# $found" >&3
	done
	disk_unmount
}

# --- experiments --------------------------------------------------------------------------------------

run "$(share 200 5)" mixed 25
experiment "power cuts" "$cuts" "$violations"
run "$(share 60 3)" large 5
experiment "power cuts, large messages" "$cuts" "$violations"
run "$(share 60 3)" fussy 25
experiment "power cuts, a fussy relay" "$cuts" "$violations"
SENDER=$CONTROLS/hasty/mini_sendmail
export PATIENCE_MS=20
run "$(share 100 5)" crowd 25
experiment "power cuts, a crowd of hasty senders" "$cuts" "$violations"
SENDER=$BIN/mini_sendmail
diag "$letters letters acknowledged, $arrivals arrivals, $doubled letters twice;" \
	"the largest spool had $((largest / 1024)) KiB; $shrunk times one got smaller; $replacing cuts while one was replaced;" \
	"$forgotten times a sender had given up, and a cut forgot it"
at_most "a spool grew to 4 MiB and more" $((4 << 20)) "$largest"
run_creation "$(share 100 5)"
experiment "power cuts while spools are made" "$cuts" "$violations"
diag "$spools spools were made"

# Controls are found out sooner or later; the share is content with the first time.
exec 3>&1
enough=$(share 1000 1)
many=$(share 40 80)
SENDER=$CONTROLS/undead/mini_sendmail
run "$many" crowd 25
experiment "power cuts, control: who is dead counts as living" "$cuts" "$violations" some
SENDER=$CONTROLS/nosync/mini_sendmail
run "$many" mixed 25
experiment "power cuts, control: senders that do not flush" "$cuts" "$violations" some
SENDER=$BIN/mini_sendmail
FLUSHD=$CONTROLS/nosync/flushd
run "$many" mixed 25
experiment "power cuts, control: a flushd that does not flush" "$cuts" "$violations" some
FLUSHCTL=$CONTROLS/unflushed/flushctl
run_creation "$many"
experiment "power cuts while spools are made, control: not flushed" "$cuts" "$violations" some
done_testing

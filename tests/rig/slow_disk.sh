# shellcheck shell=bash
#
# slow_disk.sh - an ext4 file system on a disk that takes its time to flush, as one behind a network does
#
# Sourced, not run, behind scratch.sh; needs root, and disk_own_mounts of disk.sh first of all in the script. A file in
# memory becomes a disk by nbdkit with a plugin of ours, that a file by nbdfuse, and that a loop device. All of it ends
# with the script, however that ends.
#
#   slow_disk_create DIR [FLUSH_US [SIZE]]   make one, mounted on DIR, or say why there can be none and fail

slow_disk_create() {
	local dir=$1 us=${2:-4000} size=${3:-1G} program
	for program in nbdkit nbdfuse mkfs.ext4; do
		command -v "$program" >/dev/null || {
			echo "there is no $program here"
			return 1
		}
	done
	SLOW_DISK=$dir
	SLOW_DISK_PLACE=$(mktemp -d "${SCRATCH:?scratch_open comes first}/slow_disk.XXXXXX")
	SLOW_DISK_IMAGE=$(mktemp -p /dev/shm mini-sendmail.XXXXXX || mktemp -p "$SLOW_DISK_PLACE")
	at_exit slow_disk_remove
	mkdir -p "$dir"
	truncate -s "$size" "$SLOW_DISK_IMAGE"
	if ! slow_disk_attach "$us" 2>"$SLOW_DISK_PLACE/said"; then
		tail -n 1 "$SLOW_DISK_PLACE/said"
		return 1
	fi
}

# Both programs are gone when the script is, even if it is killed; what interrupts it does not meet them first.
slow_disk_attach() {
	local plugin=$SLOW_DISK_PLACE/slow_flush.so device=$SLOW_DISK_PLACE/device socket=$SLOW_DISK_PLACE/socket
	cc -shared -fPIC -O2 -o "$plugin" tests/rig/slow_flush.c || return
	setsid nbdkit --foreground --exit-with-parent --unix "$socket" "$plugin" file="$SLOW_DISK_IMAGE" us="$1" &
	slow_disk_pids+=("$!")
	wait_until 10 test -S "$socket" || return
	# It has the file open; so nothing of it is left, whatever happens.
	rm "$SLOW_DISK_IMAGE"
	: >"$device"
	setsid setpriv --pdeathsig KILL nbdfuse -C 4 "$device" "nbd+unix:///?socket=$socket" &
	slow_disk_pids+=("$!")
	wait_until 10 test -s "$device" || return
	mkfs.ext4 -q -F -E lazy_itable_init=0,lazy_journal_init=0 "$device" || return
	mount -t ext4 -o loop,noatime "$device" "$SLOW_DISK"
}

slow_disk_pids=()

slow_disk_remove() {
	local i
	! mountpoint -q "$SLOW_DISK" || wait_until 20 umount "$SLOW_DISK"
	for ((i = ${#slow_disk_pids[@]} - 1; i >= 0; i--)); do
		end_child "${slow_disk_pids[i]}" || true
	done
	rm -rf "$SLOW_DISK_PLACE" "$SLOW_DISK_IMAGE"
}

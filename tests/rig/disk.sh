# shellcheck shell=bash
#
# disk.sh - an ext4 file system of one's own whose power can be cut
#
# Sourced, not run; needs root. The file system is in a file in memory, on a loop device, and mounted on $DISK,
# below $SCRATCH (see scratch.sh). It must be mounted in a mount namespace that nobody copies, or it may live
# on elsewhere when it is unmounted here; disk_own_mounts, first of all in a script, sees to that.
#
#   disk_create [SIZE [OPTIONS]]   make a new one, empty, and mount it; fails where that cannot be
#   disk_cut                       from now on nothing reaches the disk; processes get EIO
#   disk_mount                     mount it again: the journal is replayed, as after a power cut
#   disk_unmount                   waits for the last process to let go of it

DISK=""
DISK_IMAGE=""
DISK_OPTIONS=""

disk_own_mounts() {
	[ "$(id -u)" -eq 0 ] && [ -z "${DISK_MOUNTS_ARE_OURS:-}" ] || return 0
	DISK_MOUNTS_ARE_OURS=1 exec unshare --mount -- "$BASH" "$0" "$@"
}

disk_create() {
	if [ -z "$DISK" ]; then
		DISK=${SCRATCH:?scratch_open comes first}/disk
		mkdir -m 755 "$DISK"
		DISK_IMAGE=$(mktemp -p /dev/shm mini-sendmail.XXXXXX || mktemp -p "$SCRATCH")
		at_exit disk_clean_up
	fi
	disk_unmount
	DISK_OPTIONS=loop${2:+,$2}
	truncate -s 0 "$DISK_IMAGE"
	truncate -s "${1:-256M}" "$DISK_IMAGE"
	mkfs.ext4 -q -F "$DISK_IMAGE" && disk_mount
}

disk_clean_up() {
	disk_unmount
	rm -f "$DISK_IMAGE"
}

disk_mount() {
	mount -t ext4 -o "$DISK_OPTIONS" "$DISK_IMAGE" "$DISK"
}

disk_cut() {
	"$TOOLS/cut_power" "$DISK"
}

disk_is_unmounted() {
	! mountpoint -q "$DISK" || umount "$DISK" 2>/dev/null
}

disk_unmount() {
	wait_until 20 disk_is_unmounted
}

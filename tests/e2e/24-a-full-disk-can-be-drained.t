#!/bin/bash
#
# The disk is full to the last block: senders are told so, nothing is lost, and flushd can remove what it
# delivers all the same, though a removal writes pages before it frees any.

# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
needs_root "mounts a small file system"
test_open
moody_start well

disk_open() {
	truncate -s 24M "$SCRATCH/disk"
	mkfs.ext4 -q -m 0 -E lazy_itable_init=0 "$SCRATCH/disk"
	mkdir "$SCRATCH/mnt"
	mount -o loop "$SCRATCH/disk" "$SCRATCH/mnt"
	at_exit "umount '$SCRATCH/mnt'"
}

# submit KIB: exit status in $status
submit() {
	status=0
	letter "$1" | "$BIN/mini_sendmail" -i -f "sender-$1@site.test" reader@example.org 2>"$SCRATCH/said" || status=$?
	[ "$status" -ne 0 ] || accepted=$((accepted + 1))
}

letter() {
	perl -e 'print "Subject: x\n\n"; print "x" x 63, "\n" for 1 .. 16 * $ARGV[0]' "$1"
}

# Whatever is left goes to a file that is none of ours.
fill_disk() {
	dd if=/dev/zero of="$SCRATCH/mnt/other" bs=4096 status=none 2>/dev/null || true
	sync
	df --output=avail "$SCRATCH/mnt" | tail -n 1 | tr -d ' '
}

disk_open
spool_create "$SCRATCH/mnt/spool"
accepted=0
status=0
while [ "$status" -eq 0 ]; do
	submit $((accepted % 5 == 0 ? 900 : 3))
done
is "the first that does not fit is told so" "$status" 73
is "in a line" "$(cat "$SCRATCH/said")" "mini_sendmail: $SPOOL: the disk, or a quota on it, is full"
for kib in 400 100 40 10 3 1; do
	status=0
	while [ "$status" -eq 0 ]; do
		submit "$kib"
	done
	is "as is one of $kib KiB, when no such one fits any more" "$status" 73
done
note "$accepted messages accepted; $(df -h --output=size,used,avail "$SCRATCH/mnt" | tail -n 1)"
is "not a block is left" "$(fill_disk)" 0
submit 1
is "nothing more is accepted" "$status" 73
is "all that was accepted is there" "$(queue_field queue_id | wc -l)" "$accepted"

ok "flushd empties the spool" flushd_once
is "each message was delivered once" "$(wc -l <"$SCRATCH/taken")" "$accepted"
is "nothing went wrong on the way" "$(grep -cvE 'status=sent|started$|relay takes|replaced by' "$SCRATCH/once.log" || true)" 0
ok "the queue is empty" queue_is_empty
submit 100
is "there is room again" "$status" 0
done_testing

#!/bin/bash
#
# The disk is full to the last block, and the relay refuses what is in the spool. A report needs room that there may not
# be: then the message is kept as failed. A short one takes the room of its message. Either way each message comes to
# its end, and flushd does not wait for room.

# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
needs_root "mounts a small file system"
test_open
postfix_create
postfix_start

truncate -s 24M "$SCRATCH/disk"
mkfs.ext4 -q -m 0 -E lazy_itable_init=0 "$SCRATCH/disk"
mkdir "$SCRATCH/mnt"
mount -o loop "$SCRATCH/disk" "$SCRATCH/mnt"
at_exit "umount '$SCRATCH/mnt'"
spool_create "$SCRATCH/mnt/spool" --domain example.org

letter() {
	perl -e 'print "Message-ID: <$ARGV[0]\@site.test>\n\n", map { "x" x 63 . "\n" } 1 .. 16 * $ARGV[1]' "$accepted" "$1"
}

accepted=0
submit() {
	status=0
	letter "$1" | "$BIN/mini_sendmail" -i -f sender@example.org "${@:2}" refused@example.org 2>/dev/null || status=$?
	[ "$status" -ne 0 ] || accepted=$((accepted + 1))
}

# The first come back whole, for which there is no room.
for ((n = 0; n < 5; n++)); do
	submit 400 -R full
done
for kib in 400 90 30 3; do
	status=0
	while [ "$status" -eq 0 ]; do
		submit "$kib"
	done
done
is "the spool is full" "$status" 73
dd if=/dev/zero of="$SCRATCH/mnt/other" bs=4096 status=none 2>/dev/null || true
sync
is "not a block is left" "$(df --output=avail "$SCRATCH/mnt" | tail -n 1 | tr -d ' ')" 0

ok "flushd comes to an end" timeout 120 "$BIN/flushd" --spool "$SPOOL" --relay "127.0.0.1:$POSTFIX_PORT" --once \
	2>>"$SCRATCH/once.log"
ok "postfix is done" wait_until 30 postfix_is_idle
reported=$(maildir_count)
kept=$(queue_field state | grep -c failed || true)
note "$accepted messages: $reported reported, $kept kept"
is "each message was reported or is kept" "$((reported + kept))" "$accepted"
is "nothing is reported twice" "$(sed -s '/^$/,$d' "$MAILDIR"/new/* | grep '^In-Reply-To' | sort | uniq -d)" ""
is "who is kept is in the log" "$(grep -c 'no report can be stored' "$SCRATCH/once.log")" "$kept"
ok "some are kept" [ "$kept" -gt 0 ]
ok "most are reported" [ "$reported" -gt "$kept" ]
submit 3
is "there is room again" "$status" 0
flushd_once || true
ok "which is reported" maildir_wait $((reported + 1)) 20
done_testing

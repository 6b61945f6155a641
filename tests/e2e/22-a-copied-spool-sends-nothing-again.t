#!/bin/bash
#
# A spool is cloned with its jail, or brought back from a backup. The mail in it was perhaps sent by the
# original: it is held until an operator releases it. What is submitted to the copy is sent.

# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
test_open
spool_create "$SCRATCH/original"
moody_start well

submit() {
	printf 'Subject: x\n\n%s\n' "$1" | "$BIN/mini_sendmail" -i -f "$1@site.test" reader@example.org
}

taken() {
	sort "$SCRATCH/taken" | tr -d '<>' | sed 's/@.*//' | tr '\n' ' '
	: >"$SCRATCH/taken"
}

use() {
	SPOOL=$1
	export MINI_SENDMAIL_SPOOL=$1
}

submit one
submit two
cp -a "$SCRATCH/original" "$SCRATCH/clone"
cp -a "$SCRATCH/original/data.mdb" "$SCRATCH/backup.mdb"

use "$SCRATCH/clone"
submit new
ok "flushd serves the clone" flushd_once
is "of the clone only what was submitted to it is sent" "$(taken)" "new "
is "the rest is held" "$(queue_field state | sort | uniq -c | tr -s ' ')" " 2 held"
ok "show says why" grep -q "copied spool" <<<"$(flushctl show "$(queue_field queue_id | head -n 1)")"
ok "the log says so" grep -q "copied spool: 2 messages" "$SCRATCH/once.log"

use "$SCRATCH/original"
ok "flushd serves the original" flushd_once
is "the original sends its mail" "$(taken)" "one two "

cp -a "$SCRATCH/backup.mdb" "$SPOOL/restored"
mv "$SPOOL/restored" "$SPOOL/data.mdb"
ok "flushd serves what a backup brought back" flushd_once
is "nothing is sent again" "$(taken)" ""
is "it is held" "$(queue_field state | sort | uniq -c | tr -s ' ')" " 2 held"

first=$(queue_field queue_id | head -n 1)
is "release takes one off hold" "$(flushctl release "$first")" "1 message released"
status=0
said=$(flushctl release "$first" 2>&1) || status=$?
is "once" "$said" "flushctl: $SPOOL: $first: not on hold"
is "and says by its status that there was nothing to do" "$status" 1
ok "flushd goes on" flushd_once
is "what was released is sent" "$(taken)" "one "
is "release --all takes the rest off hold" "$(flushctl release --all)" "1 message released"
ok "flushd goes on with it" flushd_once
is "all is sent" "$(taken)" "two "
status=0
flushctl release --all >"$SCRATCH/said" || status=$?
is "there is nothing left to release" "$status $(cat "$SCRATCH/said")" "1 0 messages released"
done_testing

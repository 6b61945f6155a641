#!/bin/bash
#
# Whom a message goes to: mini_sendmail -t finds in each header, and in each recipient of the command line,
# those whom postfix's own sendmail would queue it for, in that order, and refuses what that refuses. The
# headers are in tests/rig/recipients.table, which also names the few differences that are meant. So it is
# with where the header ends.

# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
needs_root "a plain user may not name another main.cf"
test_open
dir=$SCRATCH/both
mkdir -m 700 "$dir" "$dir/etc" "$dir/bin" "$dir/queued"
ln -s "$PWD/tests/rig/postdrop" "$dir/bin/postdrop"
cat >"$dir/etc/main.cf" <<-END
	compatibility_level = 3.6
	queue_directory = $dir
	command_directory = $dir/bin
	myhostname = mx.example.org
	inet_interfaces = 127.0.0.1
	inet_protocols = ipv4
END
spool_create "$dir/spool"

tests/rig/recipients tests/rig/recipients.table "$dir" "$BIN" >"$SCRATCH/verdicts"
while IFS=$'\t' read -r word name about; do
	ok "$name${about:+: $about}" [ "$word" != other ]
done <"$SCRATCH/verdicts"
ok "they were many" [ "$(wc -l <"$SCRATCH/verdicts")" -ge 250 ]
at_most "few are meant to differ" "$(grep -c '^meant' "$SCRATCH/verdicts")" 35
done_testing

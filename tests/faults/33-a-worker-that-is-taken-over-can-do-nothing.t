#!/bin/bash
#
# A worker whose spool has made it do what it likes: other connections, programs, processes, code, root's rights, the
# files of the host. It is ended, and the log says why; or it finds nothing there.

# shellcheck source=tests/faults/faults.sh
. "$(dirname "$0")/faults.sh"
needs_root "acts as several users"
needs_plain_programs "their worker has no filter of system calls"
test_open
moody_start well
uid=12345
OUTLAW=$CONTROLS/outlaw/flushd
as_him=(setpriv --reuid "$uid" --regid "$uid" --clear-groups -- env)
spool_create "$SCRATCH/spool" --user $uid
"$BIN/mini_sendmail" -i -f sender@site.test reader@example.org <<<"a text"
setpriv --reuid $uid --regid $uid --clear-groups -- sleep 60 &
export VICTIM=$!
at_exit "end_child $VICTIM || true"

# attempt DEED [CMD...]: what the log says of it. CMD is in front of flushd's command line; FREE=1 is one for env.
attempt() {
	env DEED="$1" "${@:2}" timeout 30 "$OUTLAW" --spool "$SPOOL" --relay "127.0.0.1:$POSTFIX_PORT" --once \
		2>"$SCRATCH/log" || true
	grep -oE 'deed [a-z]+|forbidden system call' "$SCRATCH/log" || echo "nothing of it in the log"
}

for deed in talk_to_others run_a_program multiply end_another look_into_another bring_code become_root; do
	is "$deed" "$(attempt $deed)" "forbidden system call"
done
for deed in open_password_file climb_out; do
	is "$deed" "$(attempt $deed)" "deed failed"
done
ok "the other process of that user lives" is_running "$VICTIM"

# What keeps it from that is what it seems to be.
for deed in talk_to_others bring_code end_another; do
	is "without the filter: $deed" "$(attempt $deed FREE=1)" "deed succeeded"
done
for deed in multiply become_root open_password_file climb_out; do
	is "even without the filter: $deed" "$(attempt $deed FREE=1)" "deed failed"
done
# A user's own flushd has no chroot, but landlock in place of it, where the kernel has that.
install -m 755 "$OUTLAW" "$SCRATCH/outlaw"
OUTLAW=$SCRATCH/outlaw
for deed in open_password_file climb_out; do
	is "a user's own, with nothing around it: $deed" "$(attempt $deed "${as_him[@]}" FREE=1)" "deed succeeded"
	if perl -e 'exit !(syscall(444, 0, 0, 1) > 0)'; then
		is "and as it is: $deed" "$(attempt $deed "${as_him[@]}")" "deed failed"
	else
		skip "and as it is: $deed" "this kernel has no landlock"
	fi
done
is "nothing was sent" "$(cat "$SCRATCH/taken")" ""
ok "the message waits for a worker in its senses" flushd_once
is "who sends it" "$(cat "$SCRATCH/taken")" "<sender@site.test>"
done_testing

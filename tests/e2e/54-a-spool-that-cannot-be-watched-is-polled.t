#!/bin/bash
#
# The kernel gives no watch, as fs.inotify.max_user_watches is reached: that is said, and the spool is looked at every
# 10 s. The limit here is that of a user namespace, and no other process has it.

# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
needs_root "acts as another user"
test_open
copy_programs
uid=20001
# shellcheck disable=SC2016 # the variables are those of the shell within
with_watches=(setpriv --reuid "$uid" --regid "$uid" --clear-groups --
	unshare --user --map-current-user --keep-caps /bin/sh -c
	'echo "$0" >/proc/sys/user/max_inotify_watches && exec setpriv --inh-caps -all --ambient-caps -all -- "$@"')
"${with_watches[@]}" 0 true 2>"$SCRATCH/unshare" || skip_all "a user namespace cannot be had: $(cat "$SCRATCH/unshare")"
moody_start well
spool_create "$SCRATCH/spool" --user "$uid"
chmod 755 "$SCRATCH"

submit() {
	printf 'Subject: x\n\n' | as_uid "$uid" "$BIN/mini_sendmail" -i -f "$1@site.test" reader@example.org
}
is_taken() {
	grep -qxF "<$1@site.test>" "$SCRATCH/taken"
}
no_worker_runs() {
	[ -z "$(flushd_workers)" ]
}

submit first
flushd_spawn "${with_watches[@]}" 0 "$BIN/flushd"
ok "what waits at the start is sent" wait_until 20 is_taken first
ok "that nothing can be watched is said" wait_until 10 flushd_logged 'cannot watch: No space left on device; looking every 10 s'
ok "nobody is at work" wait_until 10 no_worker_runs
submit second
ok "what comes then is found" wait_until 30 is_taken second
ok "nobody is at work" wait_until 10 no_worker_runs
submit third
ok "each time" wait_until 30 is_taken third
is "it is said once" "$(grep -c 'cannot watch' "$FLUSHD_LOG")" 1
ok "each came once" [ "$(wc -l <"$SCRATCH/taken")" -eq 3 ]
ok "flushd ends in order" flushd_stop

# The same with a watch: no poll is needed.
flushd_spawn "${with_watches[@]}" 100 "$BIN/flushd"
ok "it is there" wait_until 10 flushd_has_logged 2 'started'
ok "and nobody is at work" wait_until 10 no_worker_runs
submit fourth
ok "with a watch it is sent too" wait_until 20 is_taken fourth
is "and nothing more is said" "$(grep -c 'cannot watch' "$FLUSHD_LOG")" 1
ok "flushd ends in order" flushd_stop
done_testing

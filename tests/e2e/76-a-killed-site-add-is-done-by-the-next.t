#!/bin/bash
#
# `flushctl site add` dies at any of its calls, or one of them fails: what it leaves is no site by half, and the next one makes it whole, with
# nothing left over. So does the next `site remove` of one that died.

# shellcheck source=tests/e2e/jails.sh
. "$(dirname "$0")/jails.sh"
jails_open
strace -o /dev/null true 2>/dev/null || skip_all "needs to trace, which is not allowed here"
CALLS=openat,mkdirat,symlinkat,renameat,renameat2,unlink,unlinkat,fsync,fdatasync,fchown,fchmod,write,pwrite64,clone,clone3
POINTS=$([ -z "${E2E_LONG:-}" ] && echo 40 || echo 100000)

# places VERB...: each call that it makes, "CALL N" with N counted by name as strace does; but no more than POINTS of them.
places() {
	strace -qq -o "$SCRATCH/calls" -e trace="$CALLS" "$BIN/flushctl" site "$@" --config "$CONF" >/dev/null 2>&1
	perl -ne 'print "$1 ", ++$n{$1}, "\n" if /^(\w+)\(/' "$SCRATCH/calls" >"$SCRATCH/places"
	awk -v step="$((($(wc -l <"$SCRATCH/places") + POINTS - 1) / POINTS))" 'NR % step == 0' "$SCRATCH/places"
}

# killed_at CALL N VERB...: that verb, killed there; false if it did not come there. Of its end the shell says nothing.
killed_at() {
	local call=$1 n=$2
	shift 2
	(
		! strace -qq -o /dev/null -e trace="$call" -e "inject=$call:signal=SIGKILL:when=$n" \
			"$BIN/flushctl" site "$@" --config "$CONF"
	) >/dev/null 2>&1
}

# The start of a spool of our own is the one thing whose temporary name is another each time.
leftovers() {
	find "$JAIL" "$CONF" -name '.*' -not -path "$JAIL/var/spool/.mini-sendmail.*new.*" -o -name '*.proof'
}

renew() {
	rm -rf "$JAIL" "$CONF/sites.d"
	mkdir -m 755 "$JAIL"
}

renew
add=(add "$JAIL" --user "$SITE_UID" --domain site.test)
mapfile -t all < <(places "${add[@]}")
note "site add dies at ${#all[@]} places"
ok "there are places to die at" [ "${#all[@]}" -gt 30 ]
died=0
: >"$SCRATCH/bad"
for place in "${all[@]}"; do
	renew
	# shellcheck disable=SC2086 # these are words
	! killed_at $place "${add[@]}" || died=$((died + 1))
	# Either it is not registered, or it is whole.
	[ ! -e "$CONF/sites.d/site1.conf" ] || site check site1 --quiet || echo "$place: registered by half" >>"$SCRATCH/bad"
	[ "$(site_exits "${add[@]}")" -eq 0 ] || echo "$place: the next: $(tail -n 1 "$SCRATCH/said")" >>"$SCRATCH/bad"
	[ "$(site_exits check site1)" -eq 0 ] || echo "$place: not whole: $(tail -n 1 "$SCRATCH/said")" >>"$SCRATCH/bad"
	leftovers | sed "s|^|$place: left: |" >>"$SCRATCH/bad"
done
is "it died at all of them" "$died" "${#all[@]}"
is "each time the next one has made it whole" "$(head -n 5 "$SCRATCH/bad")" ""

# error_of CALL: what it may fail with on a bad day.
error_of() {
	case $1 in
	openat | clone | clone3) echo ENOMEM ;;
	fsync | fdatasync | fchmod | fchown | unlink | unlinkat) echo EIO ;;
	*) echo ENOSPC ;;
	esac
}

renew
mapfile -t all < <(places "${add[@]}")
failed=0
for place in "${all[@]}"; do
	read -r call n <<<"$place"
	renew
	code=0
	strace -qq -o "$SCRATCH/trace" -e trace="$call" -e "inject=$call:error=$(error_of "$call"):when=$n" \
		"$BIN/flushctl" site "${add[@]}" --config "$CONF" >"$SCRATCH/out" 2>"$SCRATCH/said" || code=$?
	grep -q INJECTED "$SCRATCH/trace" || echo "$place: did not come there" >>"$SCRATCH/bad"
	if [ "$code" -eq 0 ]; then
		site check site1 --quiet || echo "$place: says that all is well" >>"$SCRATCH/bad"
	else
		failed=$((failed + 1))
		[ "$code" -eq 3 ] || echo "$place: exit status $code" >>"$SCRATCH/bad"
		# What cannot be written cannot say so; but then it is what failed.
		[ -s "$SCRATCH/said" ] || [ "$call" = write ] || echo "$place: says nothing" >>"$SCRATCH/bad"
	fi
	[ "$(site_exits "${add[@]}")" -eq 0 ] || echo "$place: the next: $(tail -n 1 "$SCRATCH/said")" >>"$SCRATCH/bad"
	[ "$(site_exits check site1)" -eq 0 ] || echo "$place: not whole: $(tail -n 1 "$SCRATCH/said")" >>"$SCRATCH/bad"
	leftovers | sed "s|^|$place: left: |" >>"$SCRATCH/bad"
done
note "$failed of ${#all[@]} calls that failed stopped it"
ok "some of them stopped it" [ "$failed" -gt 10 ]
is "that is said, and the next one makes it whole" "$(head -n 5 "$SCRATCH/bad")" ""

mapfile -t all < <(places remove site1)
died=0
for place in "${all[@]}"; do
	renew
	site "${add[@]}"
	# shellcheck disable=SC2086 # these are words
	! killed_at $place remove site1 || died=$((died + 1))
	[ ! -e "$CONF/sites.d/site1.conf" ] || site remove site1 ||
		echo "$place: the next: $(tail -n 1 "$SCRATCH/said")" >>"$SCRATCH/bad"
	find "$JAIL" "$CONF/sites.d" -not -type d | sed "s|^|$place: left: |" >>"$SCRATCH/bad"
done
is "and site remove" "$died" "${#all[@]}"
is "each time the next one has removed it" "$(head -n 5 "$SCRATCH/bad")" ""
# The last one was killed with the lock, which goes with the next one.
site refresh --all
done_testing

# shellcheck shell=bash
#
# scratch.sh - a throw-away place for one test or one demo, and what every script in it needs
#
# Sourced, not run. After scratch_open:
#
#   $SCRATCH        a directory that nobody else uses; gone when the script ends, however it ends
#   at_exit CMD     runs CMD then, the last one first; this is where processes are stopped
#
# Whoever starts a process must give at_exit something that ends exactly that process: nothing here
# ever ends a process by its name.

SCRATCH=
at_exit_commands=()

at_exit() {
	at_exit_commands+=("$1")
}

scratch_open() {
	# Daemons that drop their privileges must be able to pass through: search permission, no more.
	SCRATCH=$(mktemp -d "${TMPDIR:-/tmp}/mini-sendmail.XXXXXX")
	chmod 711 "$SCRATCH"
	trap scratch_close EXIT
	# A signal leads to an exit, and so to the one place that cleans up.
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 143' TERM
}

scratch_close() {
	local status=$? i
	trap - EXIT ERR
	trap '' HUP INT TERM
	set +e
	for ((i = ${#at_exit_commands[@]} - 1; i >= 0; i--)); do
		eval "${at_exit_commands[i]}"
	done
	# RIG_KEEP=1 leaves the place for a look at what went wrong.
	if [ -n "${RIG_KEEP:-}" ]; then
		echo "# kept: $SCRATCH" >&2
	else
		rm -rf "$SCRATCH"
	fi
	exit "$status"
}

# Microseconds since the epoch. EPOCHREALTIME has the locale's decimal sign, so cut it out by place.
now_us() {
	echo "${EPOCHREALTIME::-7}${EPOCHREALTIME: -6}"
}

# wait_until SECONDS CMD...: run CMD every 0.05 s until it succeeds; fail when SECONDS have passed.
wait_until() {
	local deadline=$(($(now_us) + $1 * 1000000))
	shift
	until "$@"; do
		[ "$(now_us)" -lt "$deadline" ] || return 1
		sleep 0.05
	done
}

is_running() {
	kill -0 "$1" 2>/dev/null
}

# end_child PID [SECONDS]: end a child of this shell by SIGTERM, or by SIGKILL after the deadline.
# Returns the child's own exit status. A child that has ended already is none of our business.
end_child() {
	local status=0
	kill -TERM "$1" 2>/dev/null || true
	if ! wait_until "${2:-15}" has_ended "$1"; then
		echo "# process $1 ignored SIGTERM" >&2
		kill -KILL "$1" 2>/dev/null || true
	fi
	wait "$1" 2>/dev/null || status=$?
	return "$status"
}

# A child that has died but was not yet waited for still answers kill -0; its state tells.
has_ended() {
	local stat
	{ read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 0
	stat=${stat##*) }
	[ "${stat%% *}" = Z ]
}

# port_reserve VARIABLE: have the kernel choose a free port of 127.0.0.1 and keep it until the script
# ends. A process holds a socket that is bound but does not listen: the kernel gives that port to
# nobody else, connecting to it is refused, and postfix, which sets SO_REUSEADDR as the holder does,
# can listen on it whenever it runs.
port_reserve() {
	local file
	file=$(mktemp "${SCRATCH:?scratch_open comes first}/port.XXXXXX")
	perl -MSocket -e '
		socket(my $s, PF_INET, SOCK_STREAM, 0) or die "socket: $!\n";
		setsockopt($s, SOL_SOCKET, SO_REUSEADDR, 1) or die "setsockopt: $!\n";
		bind($s, sockaddr_in(0, INADDR_LOOPBACK)) or die "bind: $!\n";
		my ($port) = sockaddr_in(getsockname($s));
		$| = 1;
		print "$port\n";
		# Nobody must be left with the port if the script is killed before it can clean up.
		my $script = getppid();
		sleep 1 while getppid() == $script;
	' >"$file" &
	at_exit "kill $! && wait $!"
	wait_until 10 test -s "$file"
	read -r "$1" <"$file"
}
